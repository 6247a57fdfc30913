package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
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
  /** Of the columns that {@link #rows} makes. */
  static final List<String> HEADINGS = headings();

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

  private static List<String> headings() {
    List<String> headings = new ArrayList<>(List.of("measured", "unit"));
    for (Crossing crossing : Crossing.values()) {
      headings.add(crossing.heading());
      if (crossing != Crossing.DIRECT) {
        headings.add("of direct");
      }
    }
    return List.copyOf(headings);
  }

  /** As rows of a table: a value, and where there is a direct path its ratio to that. */
  static List<List<String>> rows(List<Comparison> comparisons) {
    return comparisons.stream().map(Comparison::row).toList();
  }

  private List<String> row() {
    List<String> row = new ArrayList<>(List.of(label(), unit()));
    for (Crossing crossing : Crossing.values()) {
      row.add(has(crossing) ? Report.number(median(crossing)) : "");
      if (crossing != Crossing.DIRECT) {
        row.add(has(crossing) ? ratio(ratios(crossing)) : "");
      }
    }
    return row;
  }

  /** The median of the rounds, and their range. */
  private static String ratio(List<Double> ratios) {
    return ratios.isEmpty()
        ? ""
        : String.format(
            Locale.ROOT,
            "%.2f (%.2f–%.2f)",
            Figure.median(ratios),
            Collections.min(ratios),
            Collections.max(ratios));
  }
}
