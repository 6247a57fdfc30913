package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
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
  private static final int BAR_PER_DECADE = 10;

  /** What the plot compares: what grows with the site, and what must not. */
  private static final List<String> PLOTTED =
      List.of(
          "distribution.first.bytes",
          "distribution.permission.bytes",
          "distribution.neighbour.bytes",
          "distribution.pod.bytes");

  Growth {
    values = new TreeMap<>(values);
  }

  double median(int pods) {
    List<Double> those = values.get(pods);
    if (those == null) {
      throw new IllegalStateException(id + " was not measured with " + pods + " pods");
    }
    return Values.median(those);
  }

  /** The same with the values of one more size. */
  private Growth with(int pods, List<Double> more) {
    SortedMap<Integer, List<Double>> all = new TreeMap<>(values);
    all.put(pods, List.copyOf(more));
    return new Growth(id, label, unit, all);
  }

  static List<String> headings(List<Growth> growths) {
    List<String> headings = new ArrayList<>(List.of("measured", "unit"));
    for (int pods : growths.getFirst().values().keySet()) {
      headings.add(String.format(Locale.ROOT, "%,d pods", pods));
    }
    return headings;
  }

  static List<List<String>> rows(List<Growth> growths) {
    List<List<String>> rows = new ArrayList<>();
    for (Growth growth : growths) {
      List<String> row = new ArrayList<>(List.of(growth.label(), growth.unit()));
      for (int pods : growth.values().keySet()) {
        row.add(Report.number(growth.median(pods)));
      }
      rows.add(row);
    }
    return rows;
  }

  /** Bytes by size of the site, a bar each; ten characters are a factor of ten. */
  static String plot(List<Growth> growths) {
    StringBuilder plot = new StringBuilder();
    for (Growth growth : growths) {
      if (PLOTTED.contains(growth.id())) {
        double unit = growth.unit().equals("KiB") ? 1 << 10 : 1;
        plot.append(plot.isEmpty() ? "" : "\n").append(growth.label()).append('\n');
        for (int pods : growth.values().keySet()) {
          double bytes = growth.median(pods) * unit;
          int length = Math.max(1, (int) Math.round(BAR_PER_DECADE * Math.log10(bytes)));
          plot.append(
              String.format(
                  Locale.ROOT, "%,9d pods %s %,.0f B%n", pods, "█".repeat(length), bytes));
        }
      }
    }
    return plot.toString();
  }

  /** Gathers the lines of a result size by size. One thread. */
  static final class Lines {
    private final Map<String, Growth> byId = new LinkedHashMap<>();

    void add(int pods, String name, String label, String unit, Double... values) {
      String id = "distribution." + name;
      Growth before = byId.getOrDefault(id, new Growth(id, label, unit, new TreeMap<>()));
      byId.put(id, before.with(pods, List.of(values)));
    }

    /** In the order in which they came first. */
    List<Growth> list() {
      return List.copyOf(byId.values());
    }
  }
}
