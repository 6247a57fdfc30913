package io.sluice.benchmarks;

import io.sluice.lab.site.DaemonProcess;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.node.InterceptionMode;
import io.sluice.node.NodeCleanup;
import java.util.ArrayList;
import java.util.List;

/** What our plugin, as the last of a chain, adds to the time in which a pod gets its network. */
final class CniMeasurement {
  /** Starts of each kind that do not count. */
  private static final int WARM_UPS = 5;

  private CniMeasurement() {}

  static List<Figure> run(Bench bench) throws Exception {
    List<Figure> figures = new ArrayList<>();
    for (InterceptionMode mode : List.of(InterceptionMode.ebpf, InterceptionMode.iptables)) {
      NodeCleanup.removeAll(bench.nodeName());
      figures.addAll(run(bench, mode));
      NodeCleanup.removeAll(bench.nodeName());
    }
    return figures;
  }

  private static List<Figure> run(Bench bench, InterceptionMode mode) throws Exception {
    List<Double> direct = new ArrayList<>();
    List<Double> meshed = new ArrayList<>();
    try (CniNode node = CniNode.create(bench, new LinuxNetworkNamespaces(), mode.name())) {
      List<String> options = new ArrayList<>(List.of("--mode", mode.name()));
      options.addAll(node.daemonOptions());
      try (Awake _ = Awake.begin();
          DaemonProcess daemon = bench.startDaemonForStarts(options)) {
        Enforcement.await(bench.testbed(), daemon);
        node.awaitChained(daemon);
        for (int i = 0; i < WARM_UPS; i++) {
          node.start(Route.DIRECT);
          node.start(Route.MESHED);
        }
        for (int i = 0; i < bench.extent().podStarts(); i++) {
          direct.add(node.start(Route.DIRECT));
          meshed.add(node.start(Route.MESHED));
        }
      }
    }
    String label = "network of a starting pod (CNI ADD), " + mode.name();
    return List.of(
        new Figure(
            "cni." + mode.name() + ".p50",
            label + ", p50",
            "ms",
            Values.of(direct),
            Values.of(meshed)),
        new Figure(
            "cni." + mode.name() + ".p90", label + ", p90", "ms", tail(direct), tail(meshed)));
  }

  /** What about a tenth took longer than: one value, so that its ratio has no range. */
  private static Values tail(List<Double> values) {
    return Values.of(List.of(Values.of(values).high()));
  }
}
