package io.sluice.lab.demo;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
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
  void create() throws InterruptedException {
    List<String> names = new ArrayList<>(plan.demo().namespaces());
    names.add(plan.demo().controlNetwork());
    plan.nodes().forEach(node -> names.add(netns(node)));
    DemoNetwork.ip(List.of(), names.stream().map(name -> "netns add " + name).toList());
    createLink();
    for (DemoNode node : plan.nodes()) {
      createNode(node);
    }
  }

  private static String netns(DemoNode node) {
    return node.namespace().getFileName().toString();
  }

  private void createLink() throws InterruptedException {
    List<String> link = new ArrayList<>(bridge());
    for (IpFamily family : IpFamily.values()) {
      link.add(addressLine(plan.address(DemoPod.BANK, family), family, BRIDGE));
    }
    link.addAll(cable("control", plan.demo().controlNetwork(), UPLINK));
    for (DemoNode node : plan.nodes()) {
      link.addAll(cable(netns(node), netns(node), UPLINK));
      link.addAll(routesTo(node));
    }
    inside(plan.demo().network(), link);
    List<String> control = new ArrayList<>(List.of("link set lo up", "link set uplink up"));
    for (IpFamily family : IpFamily.values()) {
      control.add(addressLine(plan.controller(family), family, UPLINK));
    }
    inside(plan.demo().controlNetwork(), control);
  }

  private void createNode(DemoNode node) throws InterruptedException {
    List<String> lines = new ArrayList<>(bridge());
    lines.add("link set uplink up");
    for (IpFamily family : IpFamily.values()) {
      lines.add(addressLine(plan.gateway(node, family), family, BRIDGE));
      lines.add(addressLine(plan.uplink(node, family), family, UPLINK));
    }
    for (DemoNode other : plan.nodes()) {
      if (!other.equals(node)) {
        lines.addAll(routesTo(other));
      }
    }
    for (DemoPod pod : plan.podsOf(node)) {
      lines.addAll(cable(pod.label(), plan.demo().netns(pod), "eth0"));
    }
    inside(netns(node), lines);
    forward(node.namespace());
    for (DemoPod pod : plan.podsOf(node)) {
      List<String> own = new ArrayList<>(List.of("link set lo up", "link set eth0 up"));
      for (IpFamily family : IpFamily.values()) {
        own.add(addressLine(plan.address(pod, family), family, "eth0"));
        own.add("route add default via " + IpAddresses.text(plan.gateway(node, family)));
      }
      inside(plan.demo().netns(pod), own);
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

  /** Without duplicate address detection, which would hold an IPv6 address back for a second. */
  private static String addressLine(InetAddress address, IpFamily family, String device) {
    return "addr add "
        + IpAddresses.text(address)
        + "/"
        + family.prefixLength()
        + " dev "
        + device
        + (family == IpFamily.IPV6 ? " nodad" : "");
  }

  private static void inside(String netns, List<String> lines) throws InterruptedException {
    DemoNetwork.ip(List.of("-n", netns), lines);
  }

  private static void forward(Path namespace) {
    LinuxNetworkNamespaces namespaces = new LinuxNetworkNamespaces();
    try (NetnsHandle handle = namespaces.open(namespace)) {
      namespaces.callIn(
          handle,
          () -> {
            for (String setting : FORWARDING) {
              Files.writeString(Path.of("/proc/sys", setting), "1");
            }
            return true;
          });
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new DemoException("cannot make " + namespace + " a router: " + e);
    }
  }
}
