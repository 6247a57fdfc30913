package io.sluice.lab.demo;

import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
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
  void create() throws InterruptedException {
    ip(List.of(), plan.namespaces().stream().map(name -> "netns add " + name).toList());
    List<String> network = new ArrayList<>(LOOPBACK_UP);
    network.add("link add " + BRIDGE + " type bridge");
    for (IpFamily family : IpFamily.values()) {
      network.add(addressLine(DemoPod.BANK, family, BRIDGE));
    }
    network.add("link set " + BRIDGE + " up");
    for (DemoPod pod : DemoPod.enrolled()) {
      network.add("link add " + pod.label() + " type veth peer name eth0 netns " + plan.netns(pod));
      network.add("link set " + pod.label() + " master " + BRIDGE + " up");
    }
    ip(List.of("-n", plan.network()), network);
    for (DemoPod pod : DemoPod.enrolled()) {
      List<String> inside = new ArrayList<>(LOOPBACK_UP);
      inside.add("link set eth0 up");
      for (IpFamily family : IpFamily.values()) {
        inside.add(addressLine(pod, family, "eth0"));
        inside.add("route add default via " + text(DemoPod.BANK, family));
      }
      ip(List.of("-n", plan.netns(pod)), inside);
    }
  }

  /** Removes those of the namespaces that are there, and with them what is inside. */
  void remove() throws InterruptedException {
    List<String> present = plan.presentNamespaces();
    if (!present.isEmpty()) {
      ip(List.of("-force"), present.stream().map(name -> "netns delete " + name).toList());
    }
  }

  /** Without duplicate address detection, which would hold an IPv6 address back for a second. */
  private static String addressLine(DemoPod pod, IpFamily family, String device) {
    return "addr add "
        + text(pod, family)
        + "/"
        + family.prefixLength()
        + " dev "
        + device
        + (family == IpFamily.IPV6 ? " nodad" : "");
  }

  private static String text(DemoPod pod, IpFamily family) {
    return IpAddresses.text(pod.address(family));
  }

  /** Commands of {@code ip} with these options, one a line, in one process. */
  static void ip(List<String> options, List<String> lines) throws InterruptedException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(options);
    command.addAll(List.of("-batch", "-"));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      try (var input = process.outputWriter(StandardCharsets.UTF_8)) {
        input.write(String.join("\n", lines) + "\n");
      }
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new DemoException(
            "`" + String.join(" ", command) + "` failed: " + said.strip().replace('\n', ' '));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + String.join(" ", command), e);
    }
  }
}
