package io.sluice.lab.demo;

import io.sluice.lab.site.Commands;
import io.sluice.mesh.IpAddresses;
import java.util.ArrayList;
import java.util.List;

/**
 * Two nodes as routers for their pods, joined by a switch in a namespace of its own. What goes from
 * one node to the other can be heard there, and only there.
 */
final class NodesNetwork {
  private static final String BRIDGE = "bridge";
  private static final String UPLINK = "uplink";
  private static final List<String> FORWARDING =
      List.of("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding");

  private final NodesPlan plan;

  NodesNetwork(NodesPlan plan) {
    this.plan = plan;
  }

  /** Makes everything; the namespaces must not be there yet. */
  void create() {
    List<String> names = new ArrayList<>(plan.demo().namespaces());
    names.add(plan.demo().controlNetwork());
    plan.nodes().forEach(node -> names.add(netns(node)));
    Commands.ip("", names.stream().map(name -> "netns add " + name).toList());
    createLink();
    for (DemoNode node : plan.nodes()) {
      createNode(node);
    }
  }

  private static String netns(DemoNode node) {
    return node.machine().netns();
  }

  private void createLink() {
    List<String> link = new ArrayList<>(bridge());
    for (IpFamily family : IpFamily.values()) {
      link.add(DemoNetwork.addressLine(plan.address(DemoPod.BANK, family), family, BRIDGE));
    }
    link.addAll(cable("control", plan.demo().controlNetwork(), UPLINK));
    for (DemoNode node : plan.nodes()) {
      link.addAll(cable(netns(node), netns(node), UPLINK));
      link.addAll(routesTo(node));
    }
    Commands.ip(plan.demo().network(), link);
    List<String> control = new ArrayList<>(List.of("link set lo up", "link set uplink up"));
    for (IpFamily family : IpFamily.values()) {
      control.add(DemoNetwork.addressLine(plan.controller(family), family, UPLINK));
    }
    Commands.ip(plan.demo().controlNetwork(), control);
  }

  private void createNode(DemoNode node) {
    List<String> lines = new ArrayList<>(bridge());
    lines.add("link set uplink up");
    for (IpFamily family : IpFamily.values()) {
      lines.add(DemoNetwork.addressLine(plan.gateway(node, family), family, BRIDGE));
      lines.add(DemoNetwork.addressLine(plan.uplink(node, family), family, UPLINK));
    }
    for (DemoNode other : plan.nodes()) {
      if (!other.equals(node)) {
        lines.addAll(routesTo(other));
      }
    }
    for (DemoPod pod : plan.podsOf(node)) {
      lines.addAll(cable(pod.label(), plan.demo().netns(pod), "eth0"));
    }
    Commands.ip(netns(node), lines);
    FORWARDING.forEach(setting -> node.machine().sysctl(setting, "1"));
    for (DemoPod pod : plan.podsOf(node)) {
      List<String> own = new ArrayList<>(List.of("link set lo up", "link set eth0 up"));
      for (IpFamily family : IpFamily.values()) {
        own.add(DemoNetwork.addressLine(plan.address(pod, family), family, "eth0"));
        own.add("route add default via " + IpAddresses.text(plan.gateway(node, family)));
      }
      Commands.ip(plan.demo().netns(pod), own);
    }
  }

  private static List<String> bridge() {
    return List.of(
        "link set lo up", "link add " + BRIDGE + " type bridge", "link set " + BRIDGE + " up");
  }

  private static List<String> cable(String name, String netns, String peer) {
    return List.of(
        "link add " + interfaceName(name) + " type veth peer name " + peer + " netns " + netns,
        "link set " + interfaceName(name) + " master " + BRIDGE + " up");
  }

  /** At most 15 characters, and its end tells nodes apart. */
  private static String interfaceName(String name) {
    int most = 15;
    return name.substring(Math.max(0, name.length() - most)).replaceFirst("^-+", "");
  }

  private List<String> routesTo(DemoNode node) {
    List<String> routes = new ArrayList<>();
    for (IpFamily family : IpFamily.values()) {
      routes.add(
          "route add "
              + plan.networkText(node, family)
              + " via "
              + IpAddresses.text(plan.uplink(node, family)));
    }
    return routes;
  }
}
