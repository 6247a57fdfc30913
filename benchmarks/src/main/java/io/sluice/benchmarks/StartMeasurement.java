package io.sluice.benchmarks;

import io.sluice.lab.site.DaemonProcess;
import io.sluice.node.NodeCleanup;
import java.util.ArrayList;
import java.util.List;

/**
 * From the start of the launcher to the first allowed answer, with and without pins to adopt. The
 * proxy leads all: what grants lead needs no daemon, and answers all the time.
 */
final class StartMeasurement {
  private StartMeasurement() {}

  static List<Figure> run(Bench bench) throws Exception {
    List<Figure> figures = new ArrayList<>();
    for (int pods : new int[] {Bench.FEW_PODS, bench.pods()}) {
      List<Double> cold = new ArrayList<>();
      List<Double> adopting = new ArrayList<>();
      for (int i = 0; i < bench.extent().starts(); i++) {
        NodeCleanup.removeAll(bench.nodeName());
        cold.add(startAndKill(bench, pods));
        adopting.add(startAndKill(bench, pods));
      }
      NodeCleanup.removeAll(bench.nodeName());
      figures.add(
          Figure.ofDaemon(
              "start.cold." + pods, "start to first answer, " + pods + " pods", "ms", cold));
      figures.add(
          Figure.ofDaemon(
              "start.adopting." + pods,
              "the same after SIGKILL, adopting pins, " + pods + " pods",
              "ms",
              adopting));
    }
    return figures;
  }

  /** Milliseconds to the first answer; leaves pins behind. */
  private static double startAndKill(Bench bench, int pods) throws Exception {
    long begin = System.nanoTime();
    try (Awake _ = Awake.begin();
        DaemonProcess daemon = bench.startDaemonWhoseProxyLeadsAll(pods)) {
      Enforcement.await(bench.testbed(), daemon);
      return (System.nanoTime() - begin) / 1e6;
    }
  }
}
