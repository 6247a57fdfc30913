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
    List<String> link =
        new ArrayList<>(DemoNetwork.bridge(family -> plan.address(DemoPod.BANK, family)));
    link.addAll(DemoNetwork.cable("control", plan.demo().controlNetwork(), UPLINK));
    for (DemoNode node : plan.nodes()) {
      link.addAll(DemoNetwork.cable(netns(node), netns(node), UPLINK));
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
    List<String> lines = new ArrayList<>(DemoNetwork.bridge(family -> plan.gateway(node, family)));
    lines.add("link set uplink up");
    for (IpFamily family : IpFamily.values()) {
      lines.add(DemoNetwork.addressLine(plan.uplink(node, family), family, UPLINK));
    }
    for (DemoNode other : plan.nodes()) {
      if (!other.equals(node)) {
        lines.addAll(routesTo(other));
      }
    }
    for (DemoPod pod : plan.podsOf(node)) {
      lines.addAll(DemoNetwork.cable(pod.label(), plan.demo().netns(pod), "eth0"));
    }
    Commands.ip(netns(node), lines);
    FORWARDING.forEach(setting -> node.machine().sysctl(setting, "1"));
    for (DemoPod pod : plan.podsOf(node)) {
      Commands.ip(
          plan.demo().netns(pod),
          DemoNetwork.inside(
              family -> plan.address(pod, family), family -> plan.gateway(node, family)));
    }
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
