package io.sluice.proxy;

import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.admission.ServicePools;
import java.util.Map;

/**
 * What the proxy holds and has done; counters since the process started. Gathered without stopping
 * anything, so the numbers may be a few connections apart.
 *
 * @param pods served pods and released ones that still have connections
 * @param accepted connections accepted
 * @param opened connections whose upstream answered
 * @param refused connections reset before that
 * @param loops connections closed by the hop guard: the proxy had been led to itself
 * @param live connections open now
 * @param maxLive as many as there may be, by the memory of the process
 * @param bufferedBytes buffer memory that waits for slow readers now
 * @param maxBufferedBytes as much as may wait
 * @param handshakes connections of other nodes' proxies that have not proven themselves yet
 * @param authorizations requests that the mesh's authoriser was to be asked about
 * @param limitations questions to rate-limit services
 * @param checks of endpoints that pods of the node call
 * @param ejections of endpoints of Services
 * @param warming endpoints of Services that get less than their share, as they are new
 * @param used by all pods, gone ones too, and by what no pod has caused
 */
public record ProxyStats(
    Map<NamespacedName, PodStats> pods,
    long accepted,
    long opened,
    long refused,
    long loops,
    int live,
    int maxLive,
    long bufferedBytes,
    long maxBufferedBytes,
    int handshakes,
    Map<Authorized, Long> authorizations,
    Map<Limited, Long> limitations,
    Checks checks,
    ServicePools.Ejections ejections,
    int warming,
    Use used) {

  /**
   * One pod's share.
   *
   * @param listeners open listeners, draining ones included
   * @param live connections open now
   * @param bufferedBytes buffer memory that waits for slow readers now
   * @param delayed requests of it that FaultInjections hold back now
   * @param used since it is served
   */
  public record PodStats(int listeners, int live, long bufferedBytes, int delayed, Use used) {}

  /**
   * What something has cost so far.
   *
   * @param cpuNanos CPU time of event loops
   * @param receivedBytes from sockets
   * @param sentBytes to sockets
   * @param peakBufferedBytes most buffer memory that has waited for slow readers at once
   */
  public record Use(long cpuNanos, long receivedBytes, long sentBytes, long peakBufferedBytes) {}

  /**
   * What checks of endpoints have come to.
   *
   * @param endpoints that are checked now
   * @param out those of them that are not asked for anything
   * @param succeeded checks of which the application was well
   * @param failed of which it was not
   * @param undecided that policy was against, or that could not be made
   */
  public record Checks(int endpoints, int out, long succeeded, long failed, long undecided) {}

  public ProxyStats {
    pods = Map.copyOf(pods);
    authorizations = Map.copyOf(authorizations);
    limitations = Map.copyOf(limitations);
  }
}
