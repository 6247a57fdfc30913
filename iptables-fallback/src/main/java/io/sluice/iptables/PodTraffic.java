package io.sluice.iptables;

import io.sluice.linux.socket.FamilyPorts;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.Ports;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Everything by which rules decide how one pod's traffic is treated.
 *
 * @param settings what is left alone; interface names are taken from {@code excludedInterfaces}
 * @param probes what of the node arrives untouched
 * @param primary addresses that the registry names, at most one per family is used
 * @param own every address of the pod but loopback, those of excluded interfaces left out
 * @param excludedAddresses addresses of excluded interfaces
 * @param excludedRanges ranges that excluded interfaces reach directly
 * @param excludedInterfaces names of excluded interfaces that exist in the pod
 * @param otherInterfaces names of the pod's interfaces that neither carry a primary address nor are
 *     excluded; without loopback
 * @param permissive whether datagrams and other protocols are left alone
 * @param ipv6 whether the pod has IPv6 at all
 * @param outboundPorts where the outbound listeners wait, on all addresses
 * @param inboundPorts where the inbound listeners wait, on all addresses
 * @param directions which rules are wanted; the other direction is left to another mechanism
 * @param datagrams what UDPRoutes grant
 */
public record PodTraffic(
    InterceptionSettings settings,
    Probes probes,
    List<InetAddress> primary,
    Set<InetAddress> own,
    Set<InetAddress> excludedAddresses,
    Set<Cidr> excludedRanges,
    Set<String> excludedInterfaces,
    Set<String> otherInterfaces,
    boolean permissive,
    boolean ipv6,
    FamilyPorts outboundPorts,
    FamilyPorts inboundPorts,
    Set<Direction> directions,
    Set<Datagram> datagrams) {

  /**
   * Datagrams granted to one pod that rules are written for; each is asked about every datagram.
   */
  public static final int MAX_DATAGRAMS = 1_024;

  /**
   * Datagrams between the pod and one address.
   *
   * @param direction outbound: the pod may send there; inbound: may be sent to from there
   * @param peer the address
   * @param port of whoever is sent to, 1..65535; 0 for every one
   */
  public record Datagram(Direction direction, InetAddress peer, int port) {}

  /**
   * Who may call which ports past the proxy.
   *
   * @param ports that the pod declares for probes
   * @param callers addresses of the node from which its probes come
   */
  public record Probes(Set<Integer> ports, Set<InetAddress> callers) {
    /** None declared. */
    public static final Probes NONE = new Probes(Set.of(), Set.of());

    public Probes {
      ports = Set.copyOf(ports);
      callers = Set.copyOf(callers);
      ports.forEach(Ports::require);
    }
  }

  /** Letters that need no quoting in a restore file; a final plus would be a wildcard. */
  private static final Pattern INTERFACE = Pattern.compile("[A-Za-z0-9_.][A-Za-z0-9_.:@=-]{0,14}");

  public PodTraffic {
    primary = List.copyOf(primary);
    own = Set.copyOf(own);
    excludedAddresses = Set.copyOf(excludedAddresses);
    excludedRanges = Set.copyOf(excludedRanges);
    excludedInterfaces = Set.copyOf(excludedInterfaces);
    otherInterfaces = Set.copyOf(otherInterfaces);
    excludedInterfaces.forEach(PodTraffic::requireInterface);
    otherInterfaces.forEach(PodTraffic::requireInterface);
    directions = Set.copyOf(directions);
    datagrams = Set.copyOf(datagrams);
    if (directions.isEmpty()) {
      throw new IllegalArgumentException("rules for no direction at all are none");
    }
  }

  boolean has(Direction direction) {
    return directions.contains(direction);
  }

  /** The primary address of a family. */
  Optional<InetAddress> primary(Family family) {
    return primary.stream().filter(address -> Family.of(address) == family).findFirst();
  }

  private static void requireInterface(String name) {
    if (!INTERFACE.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "interface name '" + name + "' cannot be written as an iptables match; rename it");
    }
  }
}
