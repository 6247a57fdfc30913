package io.sluice.interception;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.NamespacedName;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Set;

/**
 * One enrolled pod on this node: where it is and how it wants to be intercepted.
 *
 * @param name of the Pod
 * @param path where its namespace was found
 * @param netns its network namespace; owned by the enrolment, open as long as the pod is enrolled
 * @param cookie of the namespace, unique within one boot
 * @param network addresses and interfaces found inside
 * @param settings what is left alone
 * @param permissive whether datagrams and other protocols are left alone
 * @param probePorts ports that the pod declares for probes: the node may call them directly
 * @param datagrams what UDPRoutes grant; without meaning where it is permissive
 */
public record PodPlacement(
    NamespacedName name,
    Path path,
    NetnsHandle netns,
    long cookie,
    PodNetwork network,
    InterceptionSettings settings,
    boolean permissive,
    Set<Integer> probePorts,
    DatagramGrants datagrams) {

  /** Addresses that one pod may have; {@code SLUICE_MAX_ADDRESSES_OF_POD}. */
  public static final int MAX_ADDRESSES = 32;

  /**
   * Ranges excluded and included for one pod, its resolvers, metadata services; {@code
   * SLUICE_MAX_RANGE_RULES_OF_POD}.
   */
  public static final int MAX_RANGES = 256;

  /** Ports excluded for one pod; {@code SLUICE_MAX_PORT_RULES_OF_POD}. */
  public static final int MAX_PORTS = 128;

  /** Ports that one pod may declare for probes; {@code SLUICE_MAX_PROBE_PORTS_OF_POD}. */
  public static final int MAX_PROBE_PORTS = 32;

  /** Interfaces excluded for one pod; {@code SLUICE_MAX_INTERFACE_RULES_OF_POD}. */
  public static final int MAX_INTERFACES = 16;

  private static final String SHORTEN_LISTS =
      "shorten its annotations, or the lists of the MeshConfig";

  public PodPlacement {
    probePorts = Set.copyOf(probePorts);
  }

  /**
   * Refuses what is more than one pod's share of the kernel's maps, before anything is changed:
   * what is in force stays, and no other pod is short of room.
   *
   * @throws InterceptionException naming the pod and the list
   */
  public PodPlacement requireShare() {
    int ranges =
        settings.outboundRangeExclusions().size()
            + settings.outboundRangeInclusions().size()
            + settings.openings().resolvers().size()
            + settings.refusedMetadata().size()
            + network.excludedRanges().size()
            + 1; // see PodRules.ranges
    int ports = settings.outboundPortExclusions().size() + settings.inboundPortExclusions().size();
    int addresses = network.own().size() + network.excludedAddresses().size();
    require("ranges", ranges, MAX_RANGES, SHORTEN_LISTS);
    require("excluded ports", ports, MAX_PORTS, SHORTEN_LISTS);
    require(
        "ports of probes",
        probePorts.size(),
        MAX_PROBE_PORTS,
        "let several of its probes call one port");
    require(
        "excluded interfaces",
        settings.interfaceExclusions().size(),
        MAX_INTERFACES,
        SHORTEN_LISTS);
    require("addresses", addresses, MAX_ADDRESSES, SHORTEN_LISTS);
    return this;
  }

  private void require(String what, int number, int most, String mend) {
    if (number > most) {
      throw new InterceptionException(
          "pod " + name + " has " + number + " " + what + ", more than a pod's share of " + most,
          mend + "; what was in force stays");
    }
  }

  /**
   * Whether steering leaves alone what is sent there: {@code excluded_port}, {@code
   * excluded_interface}, as {@code on_inbound} of {@code sk_lookup.bpf.c} has it.
   */
  public boolean excludesInbound(InetSocketAddress destination) {
    return settings.inboundPortExclusions().contains(destination.getPort())
        || network.excludedAddresses().contains(destination.getAddress());
  }

  /** What of the pod was left out, in sentences; empty when nothing was. */
  public String leftOut() {
    String addresses = addressesLeftOut();
    String datagrams = datagramsLeftOut();
    return addresses + (addresses.isEmpty() || datagrams.isEmpty() ? "" : "; ") + datagrams;
  }

  /** The same of its addresses. */
  public String addressesLeftOut() {
    return network.leftOut() == 0
        ? ""
        : network.leftOut()
            + " addresses beyond the "
            + MAX_ADDRESSES
            + " that a pod may have are not taken for its own; traffic to them is intercepted";
  }

  /** The same of datagrams that are granted. */
  public String datagramsLeftOut() {
    return datagrams.leftOut() == 0
        ? ""
        : datagrams.leftOut()
            + " grants of datagrams beyond the "
            + DatagramGrants.MAX_RULES
            + " that a pod may have are refused; let UDPRoutes name fewer ports, or TrafficTargets"
            + " fewer sources";
  }
}
