package io.sluice.lab.demo;

import io.sluice.lab.site.Commands;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Namespaces of the pods, and one that holds the bridge between them. Needs {@code ip} of iproute2,
 * one process per namespace.
 */
final class DemoNetwork {
  private static final String LOOPBACK_UP = "link set lo up";

  /** Of an interface; the end of a longer name tells nodes apart. */
  private static final int LONGEST_NAME = 15;

  private final DemoPlan plan;

  DemoNetwork(DemoPlan plan) {
    this.plan = plan;
  }

  /** Makes everything; the namespaces must not be there yet. */
  void create() {
    Commands.ip("", plan.namespaces().stream().map(name -> "netns add " + name).toList());
    List<String> network = new ArrayList<>(bridge(DemoPod.BANK::address));
    for (DemoPod pod : DemoPod.enrolled()) {
      network.addAll(cable(pod.label(), plan.netns(pod), "eth0"));
    }
    Commands.ip(plan.network(), network);
    for (DemoPod pod : DemoPod.enrolled()) {
      Commands.ip(plan.netns(pod), inside(pod::address, DemoPod.BANK::address));
    }
  }

  /** Lines for a namespace with a bridge that has these addresses. */
  static List<String> bridge(Function<IpFamily, InetAddress> address) {
    List<String> lines = new ArrayList<>(List.of(LOOPBACK_UP, "link add bridge type bridge"));
    for (IpFamily family : IpFamily.values()) {
      lines.add(addressLine(address.apply(family), family, "bridge"));
    }
    lines.add("link set bridge up");
    return lines;
  }

  /** Lines that join {@code peer}, an interface of another namespace, to the bridge. */
  static List<String> cable(String name, String netns, String peer) {
    String own = name.substring(Math.max(0, name.length() - LONGEST_NAME)).replaceFirst("^-+", "");
    return List.of(
        "link add " + own + " type veth peer name " + peer + " netns " + netns,
        "link set " + own + " master bridge up");
  }

  /** Lines for the namespace of a pod, by family. */
  static List<String> inside(
      Function<IpFamily, InetAddress> address, Function<IpFamily, InetAddress> gateway) {
    List<String> lines = new ArrayList<>(List.of(LOOPBACK_UP, "link set eth0 up"));
    for (IpFamily family : IpFamily.values()) {
      lines.add(addressLine(address.apply(family), family, "eth0"));
      lines.add("route add default via " + IpAddresses.text(gateway.apply(family)));
    }
    return lines;
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
