package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One line of the result between nodes.
 *
 * @param id stable name, for comparisons by machine
 * @param label what was measured, in words
 * @param unit of every value
 * @param values one for each round, in the same order for every crossing; none where there is no
 *     such thing, as a proxy's memory on the direct path
 */
record Comparison(String id, String label, String unit, Map<Crossing, List<Double>> values) {
  Comparison {
    values = Map.copyOf(values);
  }

  boolean has(Crossing crossing) {
    return values.containsKey(crossing);
  }

  double median(Crossing crossing) {
    return Figure.median(of(crossing));
  }

  /** To the direct path, of each round; empty without one. */
  List<Double> ratios(Crossing crossing) {
    List<Double> ratios = new ArrayList<>();
    if (has(Crossing.DIRECT)) {
      List<Double> direct = of(Crossing.DIRECT);
      for (int i = 0; i < direct.size(); i++) {
        ratios.add(of(crossing).get(i) / direct.get(i));
      }
    }
    return ratios;
  }

  private List<Double> of(Crossing crossing) {
    List<Double> those = values.get(crossing);
    if (those == null) {
      throw new IllegalStateException(id + " was not measured " + crossing.heading());
    }
    return those;
  }
}
