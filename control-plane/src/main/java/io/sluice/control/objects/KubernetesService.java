package io.sluice.control.objects;

import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.SessionAffinity;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A Service ({@code v1}).
 *
 * @param meta name and origin
 * @param externalName whether its type is ExternalName
 * @param headless whether its cluster IP is {@code None}
 * @param clusterIps cluster IPs, empty for a headless one or when no one has given it any
 * @param families {@code spec.ipFamilies}: {@code IPv4}, {@code IPv6}; empty when it does not say
 * @param selector labels of its Pods; empty when its endpoints are written by hand
 * @param publishesUnready whether its endpoints count as ready in any case
 * @param affinity {@code spec.sessionAffinity}
 * @param nearness {@code spec.internalTrafficPolicy} and {@code spec.trafficDistribution}
 * @param notEnforced paths of fields that are set and that the mesh does not act on
 * @param ports ports of every transport protocol
 */
public record KubernetesService(
    ObjectMeta meta,
    boolean externalName,
    boolean headless,
    List<InetAddress> clusterIps,
    Set<String> families,
    Map<String, String> selector,
    boolean publishesUnready,
    SessionAffinity affinity,
    Nearness nearness,
    List<String> notEnforced,
    List<Port> ports)
    implements KubernetesObject {
  public KubernetesService {
    clusterIps = List.copyOf(clusterIps);
    families = Set.copyOf(families);
    notEnforced = List.copyOf(notEnforced);
    selector = Map.copyOf(selector);
    ports = List.copyOf(ports);
  }

  /**
   * A port of a Service.
   *
   * @param name name, empty when it has none
   * @param number as clients call it
   * @param transport {@code TCP}, {@code UDP} or {@code SCTP}
   * @param protocol application protocol
   * @param target where it leads in a Pod
   */
  public record Port(
      String name, int number, String transport, AppProtocol protocol, Target target) {}

  /** Where a port leads in a Pod. */
  public sealed interface Target {
    /** A port by number. */
    record Number(int port) implements Target {}

    /** A port by the name that a container gives it. */
    record Named(String name) implements Target {}
  }
}
