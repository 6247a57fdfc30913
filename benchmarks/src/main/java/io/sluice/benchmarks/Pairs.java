package io.sluice.benchmarks;

import io.sluice.lab.site.DaemonProcess;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Samples of the direct and the meshed path by turns, and what the daemon spent on the latter. */
final class Pairs {
  /** One measurement. */
  interface Load {
    Sample run(LoadClient client) throws Exception;
  }

  private final List<Sample> direct = new ArrayList<>();
  private final List<Sample> meshed = new ArrayList<>();
  private final List<Double> cpuPerOperation = new ArrayList<>();

  private Pairs() {}

  /** Runs {@code load} once on each path to warm it up, then {@code pairs} times on each. */
  static Pairs measure(Testbed testbed, DaemonProcess daemon, int pairs, Load load)
      throws Exception {
    LoadClient straight = new LoadClient(testbed.path(Route.DIRECT));
    LoadClient through = new LoadClient(testbed.path(Route.MESHED));
    load.run(straight);
    load.run(through);
    Pairs result = new Pairs();
    for (int i = 0; i < pairs; i++) {
      result.direct.add(load.run(straight));
      double before = ProcessUse.of(daemon.pid()).cpuSeconds();
      Sample sample = load.run(through);
      result.meshed.add(sample);
      result.cpuPerOperation.add(
          (ProcessUse.of(daemon.pid()).cpuSeconds() - before) / sample.operations());
    }
    return result;
  }

  /** One property of the samples on both paths, divided by {@code scale}. */
  Figure figure(
      String id, String label, String unit, double scale, ToDoubleFunction<Sample> property) {
    return new Figure(
        id, label, unit, values(direct, property, scale), values(meshed, property, scale));
  }

  private static List<Double> values(
      List<Sample> samples, ToDoubleFunction<Sample> property, double scale) {
    return samples.stream().map(sample -> property.applyAsDouble(sample) / scale).toList();
  }

  /** CPU time of the daemon for {@code operations} operations; both hops run in it. */
  Figure cpu(String id, String label, double operations) {
    return Figure.ofDaemon(
        id, label, "s", cpuPerOperation.stream().map(one -> one * operations).toList());
  }
}
