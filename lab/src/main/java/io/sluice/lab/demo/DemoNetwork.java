package io.sluice.lab.demo;

import io.sluice.lab.site.Commands;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * Namespaces of the pods, and one that holds the bridge between them. Needs {@code ip} of iproute2,
 * one process per namespace.
 */
final class DemoNetwork {
  private static final String BRIDGE = "bridge";
  private static final List<String> LOOPBACK_UP = List.of("link set lo up");

  private final DemoPlan plan;

  DemoNetwork(DemoPlan plan) {
    this.plan = plan;
  }

  /** Makes everything; the namespaces must not be there yet. */
  void create() {
    Commands.ip("", plan.namespaces().stream().map(name -> "netns add " + name).toList());
    List<String> network = new ArrayList<>(LOOPBACK_UP);
    network.add("link add " + BRIDGE + " type bridge");
    for (IpFamily family : IpFamily.values()) {
      network.add(addressLine(DemoPod.BANK.address(family), family, BRIDGE));
    }
    network.add("link set " + BRIDGE + " up");
    for (DemoPod pod : DemoPod.enrolled()) {
      network.add("link add " + pod.label() + " type veth peer name eth0 netns " + plan.netns(pod));
      network.add("link set " + pod.label() + " master " + BRIDGE + " up");
    }
    Commands.ip(plan.network(), network);
    for (DemoPod pod : DemoPod.enrolled()) {
      List<String> inside = new ArrayList<>(LOOPBACK_UP);
      inside.add("link set eth0 up");
      for (IpFamily family : IpFamily.values()) {
        inside.add(addressLine(pod.address(family), family, "eth0"));
        inside.add("route add default via " + IpAddresses.text(DemoPod.BANK.address(family)));
      }
      Commands.ip(plan.netns(pod), inside);
    }
  }

  /** Removes those of the namespaces that are there, and with them what is inside. */
  void remove() {
    Commands.deleteNamespaces(plan.presentNamespaces());
  }

  /** Without duplicate address detection, which would hold an IPv6 address back for a second. */
  static String addressLine(InetAddress address, IpFamily family, String device) {
    return "addr add "
        + IpAddresses.text(address)
        + "/"
        + family.prefixLength()
        + " dev "
        + device
        + (family == IpFamily.IPV6 ? " nodad" : "");
  }
}
