package io.sluice.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Samples of all crossings by turns, and what the processes on the way spent on them. */
final class Rounds {
  private final Map<Crossing, List<Sample>> samples = new EnumMap<>(Crossing.class);
  private final Map<Crossing, List<Double>> cpuPerOperation = new EnumMap<>(Crossing.class);

  private Rounds() {}

  /**
   * Runs {@code load} once on each crossing to warm it up, then {@code rounds} times.
   *
   * @param hops processes on the way; every crossing but the direct one has some
   */
  static Rounds measure(
      NodesTestbed testbed, Map<Crossing, ProcessUse> hops, int rounds, Pairs.Load load)
      throws Exception {
    Rounds result = new Rounds();
    for (int round = -1; round < rounds; round++) {
      for (Crossing crossing : Crossing.values()) {
        LoadClient client = new LoadClient(testbed.path(crossing));
        ProcessUse use = hops.getOrDefault(crossing, new ProcessUse(List.of()));
        List<Double> before = use.eachCpuSeconds();
        Sample sample = load.run(client);
        double spent = spent(crossing, before, use.eachCpuSeconds());
        if (round >= 0) {
          result.samples.computeIfAbsent(crossing, none -> new ArrayList<>()).add(sample);
          if (!before.isEmpty()) {
            result
                .cpuPerOperation
                .computeIfAbsent(crossing, none -> new ArrayList<>())
                .add(spent / sample.operations());
          }
        }
      }
    }
    return result;
  }

  /** A hop that spent nothing was not on the way, and then nothing was measured. */
  private static double spent(Crossing crossing, List<Double> before, List<Double> after)
      throws IOException {
    double sum = 0;
    for (int hop = 0; hop < before.size(); hop++) {
      double spent = after.get(hop) - before.get(hop);
      if (spent <= 0) {
        throw new IOException("hop " + hop + " of " + crossing.heading() + " did no work");
      }
      sum += spent;
    }
    return sum;
  }

  /** One property of the samples on every crossing, divided by {@code scale}. */
  Comparison compare(
      String id, String label, String unit, double scale, ToDoubleFunction<Sample> property) {
    Map<Crossing, List<Double>> values = new EnumMap<>(Crossing.class);
    samples.forEach((crossing, those) ->
        values.put(
            crossing,
            those.stream().map(sample -> property.applyAsDouble(sample) / scale).toList()));
    return new Comparison(id, label, unit, values);
  }

  /** CPU time of the hops, all together, for {@code operations} operations. */
  Comparison cpu(String id, String label, double operations) {
    Map<Crossing, List<Double>> values = new EnumMap<>(Crossing.class);
    cpuPerOperation.forEach((crossing, those) ->
        values.put(crossing, those.stream().map(one -> one * operations).toList()));
    return new Comparison(id, label, "s", values);
  }
}
