package io.sluice.mesh.decision;

import io.sluice.mesh.LoopbackRange;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.PingMode;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * What interception does with the traffic of an enrolled pod that stays enrolled, while a daemon
 * runs, as pure functions: the model that the kernel programs and the iptables rules are held
 * against. The order of the questions is that of docs/interception.md.
 */
public final class Steering {
  /** In place of an interface's name: the flow is tied to none. */
  public static final String ANY_INTERFACE = "";

  private static final String LOOPBACK_INTERFACE = "lo";

  private Steering() {}

  /**
   * The verdict of a connection or datagram that the pod sends.
   *
   * @param pod who sends
   * @param transport TCP is redirected, everything else cannot be
   * @param interfaceName the interface that the flow is tied to, or {@link #ANY_INTERFACE}
   * @param destination resolved; an IPv4-mapped one counts as IPv4
   */
  public static Verdict outbound(
      SteeredPod pod, Transport transport, String interfaceName, InetSocketAddress destination) {
    InetAddress address = destination.getAddress();
    int port = destination.getPort();
    if (LoopbackRange.isLoopback(address) || address.isAnyLocalAddress()) {
      return passthrough(Reason.LOOPBACK);
    }
    if (pod.isOwn(address)) {
      return passthrough(Reason.SELF);
    }
    boolean dns = port == MeshPorts.DNS;
    boolean asksResolver = dns && pod.settings().isResolver(address);
    if (!asksResolver && pod.settings().refusedMetadata().contains(address)) {
      return Verdict.of(Outcome.REFUSED, Reason.METADATA_REFUSED);
    }
    if (address.isLinkLocalAddress()) {
      return passthrough(Reason.LINK_LOCAL);
    }
    if (pod.isExcluded(interfaceName)) {
      return passthrough(Reason.EXCLUDED_INTERFACE);
    }
    if (isSecondary(pod, interfaceName)) {
      return passthroughIfPermissive(pod, Reason.OTHER_INTERFACE, Reason.OTHER_INTERFACE);
    }
    if (pod.settings().outboundPortExclusions().contains(port)) {
      return passthrough(Reason.EXCLUDED_PORT);
    }
    if (pod.excludesRangeOf(address)) {
      return passthrough(Reason.EXCLUDED_RANGE);
    }
    if (pod.leavesOut(address)) {
      return passthrough(Reason.NOT_INCLUDED);
    }
    return switch (transport) {
      case TCP -> Verdict.of(Outcome.REDIRECTED, Reason.MESH_TRAFFIC);
      case UDP ->
          pod.settings().isolates(address)
              ? Verdict.of(Outcome.REFUSED, Reason.DATAGRAM_ISOLATED)
              : asksResolver
                  ? passthrough(Reason.DNS)
                  : passthroughIfPermissive(
                      pod,
                      Reason.DATAGRAM_PERMISSIVE,
                      dns ? Reason.DNS_REFUSED : Reason.DATAGRAM_REFUSED);
      case SCTP, UDP_LITE ->
          pod.permissive() && pod.settings().isolates(address)
              ? Verdict.of(Outcome.REFUSED, Reason.DATAGRAM_ISOLATED)
              : passthroughIfPermissive(pod, Reason.PROTOCOL_PERMISSIVE, Reason.PROTOCOL_REFUSED);
    };
  }

  /**
   * The verdict of a connection or datagram that arrives at the pod; empty when interception has
   * nothing to say and counts nothing: datagrams, and the pod talking to itself. Not for what the
   * node itself opens, whose probes pass.
   *
   * @param pod whom it reaches
   * @param transport TCP is redirected, everything else is not steered
   * @param source resolved; an IPv4-mapped one counts as IPv4
   * @param local address of the pod, with the port
   */
  public static Optional<Verdict> inbound(
      SteeredPod pod, Transport transport, InetAddress source, InetSocketAddress local) {
    InetAddress address = local.getAddress();
    if (transport != Transport.TCP || address.isLoopbackAddress() || pod.isOwn(source)) {
      return Optional.empty();
    }
    if (pod.isOnExcludedInterface(address)) {
      return Optional.of(passthrough(Reason.EXCLUDED_INTERFACE));
    }
    if (pod.settings().inboundPortExclusions().contains(local.getPort())) {
      return Optional.of(passthrough(Reason.EXCLUDED_PORT));
    }
    return Optional.of(Verdict.of(Outcome.REDIRECTED, Reason.MESH_TRAFFIC));
  }

  /**
   * The verdict of an ICMP echo request that the pod sends; what passes is counted with its socket.
   *
   * @param interfaceName the interface that it leaves by
   * @param payloadBytes after the eight of the header
   */
  public static Verdict ping(
      SteeredPod pod, String interfaceName, InetAddress destination, int payloadBytes) {
    boolean isLeftAlone =
        LoopbackRange.isLoopback(destination)
            || destination.isAnyLocalAddress()
            || pod.isOwn(destination)
            || destination.isLinkLocalAddress()
            || pod.isExcluded(interfaceName)
            || pod.excludesRangeOf(destination)
            || pod.leavesOut(destination);
    boolean isLet =
        pod.permissive()
            || switch (pod.settings().openings().ping()) {
              case REFUSE -> false;
              case PLAIN -> payloadBytes <= PingMode.PLAIN_BYTES;
              case ALLOW -> true;
            };
    if (!isLeftAlone
        && pod.settings().isolates(destination)
        && !(pod.permissive() && isSecondary(pod, interfaceName))) {
      return Verdict.of(Outcome.REFUSED, Reason.DATAGRAM_ISOLATED);
    }
    return isLeftAlone || isLet
        ? passthrough(Reason.RAW_SOCKET)
        : Verdict.of(Outcome.REFUSED, Reason.PING_REFUSED);
  }

  private static boolean isSecondary(SteeredPod pod, String interfaceName) {
    return !interfaceName.equals(ANY_INTERFACE)
        && !interfaceName.equals(LOOPBACK_INTERFACE)
        && !interfaceName.equals(pod.primaryInterface());
  }

  private static Verdict passthroughIfPermissive(SteeredPod pod, Reason let, Reason refused) {
    return pod.permissive() ? passthrough(let) : Verdict.of(Outcome.REFUSED, refused);
  }

  private static Verdict passthrough(Reason reason) {
    return Verdict.of(Outcome.PASSTHROUGH, reason);
  }

  /** 4 or 6, as on the wire. */
  public static int family(InetAddress address) {
    return address instanceof Inet4Address ? 4 : 6;
  }
}
