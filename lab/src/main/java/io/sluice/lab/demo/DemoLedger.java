package io.sluice.lab.demo;

import io.sluice.lab.demo.BookClient.Reply;
import io.sluice.lab.demo.Purchases.Share;
import io.sluice.linux.Errno;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the demo did, in the words of the kernel's verdict counters, so that both can be compared.
 * Written by the demo's main thread only.
 */
final class DemoLedger {
  private final Map<FlowKey, Long> kernel = new TreeMap<>();
  private final Map<FlowKey, Long> duringChanges = new TreeMap<>();
  private final List<Share> shares = new ArrayList<>();
  private boolean changing;
  private long allowed;
  private long refusedByProxy;
  private long requests;
  private long forbidden;

  /** Notes how a TCP call ended. */
  void note(DemoPod from, InetSocketAddress to, CallResult result) {
    IpFamily family = IpFamily.of(to.getAddress());
    if (!from.inMesh()) {
      if (result.failedWith(Errno.ECONNRESET)) {
        refusedByProxy++;
      }
      return;
    }
    if (result.isAnswered() && to.getPort() == DemoPlan.BANK_PORT) {
      count(from, family, Outcome.PASSTHROUGH, Reason.EXCLUDED_PORT);
      return;
    }
    count(from, family, Outcome.REDIRECTED, Reason.MESH_TRAFFIC);
    if (result.isAnswered()) {
      allowed++;
    } else if (result.failedWith(Errno.ECONNREFUSED)) {
      count(from, family, Outcome.REFUSED, Reason.PROXY_UNAVAILABLE);
    } else {
      refusedByProxy++;
    }
  }

  /** Notes a connection whose requests are noted by themselves. */
  void noteHttp(DemoPod from, InetSocketAddress to) {
    count(from, IpFamily.of(to.getAddress()), Outcome.REDIRECTED, Reason.MESH_TRAFFIC);
  }

  /** Notes what came of a request, which may be that its connection was ended instead. */
  void note(Reply reply) {
    if (reply.isAnswered()) {
      requests++;
      forbidden += reply.isForbidden() ? 1 : 0;
    } else {
      refusedByProxy++;
    }
  }

  /** Notes requests that were served. */
  void noteRequests(long served) {
    requests += served;
  }

  /** Notes how a TrafficSplit has shared requests that are noted by themselves. */
  void note(Share share) {
    shares.add(share);
  }

  /** Notes a connection that was answered and stays open. */
  void noteHeld(DemoPod from, InetSocketAddress to) {
    count(from, IpFamily.of(to.getAddress()), Outcome.REDIRECTED, Reason.MESH_TRAFFIC);
    allowed++;
  }

  /** Notes how a datagram ended. */
  void noteDatagram(DemoPod from, InetSocketAddress to, CallResult result) {
    IpFamily family = IpFamily.of(to.getAddress());
    if (to.getPort() == DemoPlan.DNS_PORT) {
      count(from, family, Outcome.PASSTHROUGH, Reason.DNS);
    } else if (result.failedWith(Errno.EPERM)) {
      count(from, family, Outcome.REFUSED, Reason.DATAGRAM_REFUSED);
    } else {
      count(from, family, Outcome.PASSTHROUGH, Reason.DATAGRAM_PERMISSIVE);
    }
  }

  private void count(DemoPod pod, IpFamily family, Outcome outcome, Reason reason) {
    FlowKey key =
        new FlowKey(
            pod.meshName(),
            Direction.OUTBOUND.label(),
            family.label(),
            outcome.label(),
            reason.label());
    kernel.merge(key, 1L, Long::sum);
    if (changing) {
      duringChanges.merge(key, 1L, Long::sum);
    }
  }

  /** From here on rules are replaced, or nobody reads their counters. */
  void beginChange() {
    changing = true;
  }

  /** Until here. */
  void endChange() {
    changing = false;
  }

  /** Those of {@link #kernel} that counters of rules may have forgotten. */
  Map<FlowKey, Long> duringChanges() {
    return Map.copyOf(duringChanges);
  }

  /** Verdicts that the kernel must have given to outgoing flows. */
  Map<FlowKey, Long> kernel() {
    return Map.copyOf(kernel);
  }

  /** Connections that the proxy let through. */
  long allowed() {
    return allowed;
  }

  /** Requests that were answered, by an application or in its place. */
  long requests() {
    return requests;
  }

  /** Those of {@link #requests} that were answered 403, or what that is to gRPC. */
  long forbidden() {
    return forbidden;
  }

  /** How TrafficSplits have shared requests, in their order. */
  List<Share> shares() {
    return List.copyOf(shares);
  }

  /** Connections that the proxy reset. */
  long refusedByProxy() {
    return refusedByProxy;
  }

  /**
   * Whether ledger and kernel both tell this counter: what a caller did, not what the proxy did. In
   * iptables mode the kernel's own ICMPv6 counts as raw, and nobody counts what no daemon takes.
   */
  static boolean foretells(FlowKey key, DemoMode mode) {
    return key.direction().equals(Direction.OUTBOUND.label())
        && !key.reason().equals(Reason.PROXY_SOCKET.label())
        && (mode.countsInMaps()
            || !key.reason().equals(Reason.RAW_SOCKET.label())
                && !key.reason().equals(Reason.PROXY_UNAVAILABLE.label()));
  }

  /**
   * What a verdict is counted under, as dumps and metrics print it.
   *
   * @param pod namespace and name
   * @param direction {@code outbound} or {@code inbound}
   * @param family {@code ipv4} or {@code ipv6}
   * @param verdict label of the outcome
   * @param reason label of the reason
   */
  record FlowKey(String pod, String direction, String family, String verdict, String reason)
      implements Comparable<FlowKey> {
    static FlowKey of(Map<String, String> row) {
      return new FlowKey(
          row.getOrDefault("pod", ""),
          row.getOrDefault("direction", ""),
          row.getOrDefault("family", ""),
          row.getOrDefault("verdict", ""),
          row.getOrDefault("reason", ""));
    }

    @Override
    public int compareTo(FlowKey other) {
      return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
      return String.join(" ", pod, direction, family, verdict, reason);
    }
  }
}
