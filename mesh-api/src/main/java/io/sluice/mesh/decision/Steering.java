package io.sluice.mesh.decision;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshPorts;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;

/**
 * What interception does with outgoing traffic, as one pure function: the model that the kernel
 * programs and the iptables rules are held against. Interfaces are left out, since a socket's
 * binding is no property of a flow.
 */
public final class Steering {
  private Steering() {}

  /**
   * The verdict of an enrolled pod's connection or datagram.
   *
   * @param settings what is left alone
   * @param own addresses of the pod
   * @param permissive whether datagrams are left alone
   * @param transport TCP is redirected, everything else cannot be
   * @param destination resolved; an IPv4-mapped one counts as IPv4
   */
  public static Verdict outbound(
      InterceptionSettings settings,
      Set<InetAddress> own,
      boolean permissive,
      Transport transport,
      InetSocketAddress destination) {
    InetAddress address = destination.getAddress();
    int port = destination.getPort();
    if (address.isLoopbackAddress() || address.isAnyLocalAddress()) {
      return passthrough(Reason.LOOPBACK);
    }
    if (own.contains(address)) {
      return passthrough(Reason.SELF);
    }
    if (address.isLinkLocalAddress()) {
      return passthrough(Reason.LINK_LOCAL);
    }
    if (settings.outboundPortExclusions().contains(port)) {
      return passthrough(Reason.EXCLUDED_PORT);
    }
    if (covers(settings.outboundRangeExclusions(), address)) {
      return passthrough(Reason.EXCLUDED_RANGE);
    }
    if (!settings.outboundRangeInclusions().isEmpty()
        && !covers(settings.outboundRangeInclusions(), address)) {
      return passthrough(Reason.NOT_INCLUDED);
    }
    return switch (transport) {
      case TCP -> Verdict.of(Outcome.REDIRECTED, Reason.MESH_TRAFFIC);
      case UDP -> datagram(port, permissive);
      case SCTP, UDP_LITE ->
          permissive
              ? passthrough(Reason.PROTOCOL_PERMISSIVE)
              : Verdict.of(Outcome.REFUSED, Reason.PROTOCOL_REFUSED);
    };
  }

  private static Verdict datagram(int port, boolean permissive) {
    if (port == MeshPorts.DNS) {
      return passthrough(Reason.DNS);
    }
    return permissive
        ? passthrough(Reason.DATAGRAM_PERMISSIVE)
        : Verdict.of(Outcome.REFUSED, Reason.DATAGRAM_REFUSED);
  }

  private static boolean covers(List<Cidr> ranges, InetAddress address) {
    return ranges.stream().anyMatch(range -> range.contains(address));
  }

  private static Verdict passthrough(Reason reason) {
    return Verdict.of(Outcome.PASSTHROUGH, reason);
  }

  /** 4 or 6, as on the wire. */
  public static int family(InetAddress address) {
    return address instanceof Inet4Address ? 4 : 6;
  }
}
