package io.sluice.benchmarks;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One line of the result of distribution.
 *
 * @param id stable name, for comparisons by machine
 * @param label what was measured, in words
 * @param unit of every value
 * @param values by how many pods the site has; one for each change
 */
record Growth(String id, String label, String unit, SortedMap<Integer, List<Double>> values) {
  Growth {
    values = new TreeMap<>(values);
  }

  double median(int pods) {
    List<Double> those = values.get(pods);
    if (those == null) {
      throw new IllegalStateException(id + " was not measured with " + pods + " pods");
    }
    return Figure.median(those);
  }

  /** The same with the values of one more size. */
  Growth with(int pods, List<Double> more) {
    SortedMap<Integer, List<Double>> all = new TreeMap<>(values);
    all.put(pods, List.copyOf(more));
    return new Growth(id, label, unit, all);
  }

  static Growth of(String id, String label, String unit, Map<Integer, List<Double>> values) {
    return new Growth(id, label, unit, new TreeMap<>(values));
  }
}
