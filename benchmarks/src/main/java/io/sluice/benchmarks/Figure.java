package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;

/**
 * One line of the result.
 *
 * @param id stable name, for comparisons by machine
 * @param label what was measured, in words
 * @param unit of every value
 * @param direct values without the mesh, one a pair; empty where there is no such thing
 * @param meshed values through the mesh, or of the daemon, in the order of the pairs
 */
record Figure(String id, String label, String unit, List<Double> direct, List<Double> meshed) {
  Figure {
    direct = List.copyOf(direct);
    meshed = List.copyOf(meshed);
    if (meshed.isEmpty() || (!direct.isEmpty() && direct.size() != meshed.size())) {
      throw new IllegalArgumentException(id + " has values without a partner");
    }
  }

  /** A figure of the daemon alone. */
  static Figure ofDaemon(String id, String label, String unit, List<Double> values) {
    return new Figure(id, label, unit, List.of(), values);
  }

  OptionalDouble directMedian() {
    return direct.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(median(direct));
  }

  double meshedMedian() {
    return median(meshed);
  }

  /** Meshed by direct of each pair. */
  List<Double> ratios() {
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < direct.size(); i++) {
      ratios.add(meshed.get(i) / direct.get(i));
    }
    return ratios;
  }

  static double median(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }
}
