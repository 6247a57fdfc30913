package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One line of a result that is told by size.
 *
 * @param id stable name, for comparisons by machine
 * @param label what was measured, in words
 * @param unit of every value
 * @param values by how many pods the site, or the node, has; at least one for each
 */
record Growth(String id, String label, String unit, SortedMap<Integer, List<Double>> values) {
  private static final int BAR_PER_DECADE = 10;

  /** What the plots compare: what grows with the size, and what must not. */
  private static final List<String> PLOTTED =
      List.of(
          "distribution.first.bytes",
          "distribution.permission.bytes",
          "distribution.neighbour.bytes",
          "distribution.pod.bytes",
          "scale.start",
          "scale.idle",
          "scale.rss",
          "scale.change.given",
          "scale.change.taken",
          "scale.change.cpu");

  Growth {
    values = new TreeMap<>(values);
  }

  /** Which of the parts it belongs to. */
  String part() {
    return id.substring(0, id.indexOf('.'));
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

  /** A bar for each size; ten characters are a factor of ten. */
  static String plot(List<Growth> growths) {
    StringBuilder plot = new StringBuilder();
    for (Growth growth : growths) {
      if (PLOTTED.contains(growth.id())) {
        boolean inKib = growth.unit().equals("KiB");
        String unit = inKib ? "B" : growth.unit();
        plot.append(plot.isEmpty() ? "" : "\n").append(growth.label()).append('\n');
        for (int pods : growth.values().keySet()) {
          double value = growth.median(pods) * (inKib ? 1 << 10 : 1);
          int length = Math.max(1, (int) Math.round(BAR_PER_DECADE * Math.log10(value)));
          plot.append(
              String.format(
                  Locale.ROOT,
                  "%,9d pods %s %s %s%n",
                  pods,
                  "█".repeat(length),
                  Report.number(value),
                  unit));
        }
      }
    }
    return plot.toString();
  }

  /** Gathers the lines of a part size by size. One thread. */
  static final class Lines {
    private final Map<String, Growth> byId = new LinkedHashMap<>();
    private final Part part;

    Lines(Part part) {
      this.part = part;
    }

    void add(int pods, String name, String label, String unit, Double... values) {
      String id = part + "." + name;
      Growth before = byId.getOrDefault(id, new Growth(id, label, unit, new TreeMap<>()));
      byId.put(id, before.with(pods, List.of(values)));
    }

    /** In the order in which they came first. */
    List<Growth> list() {
      return List.copyOf(byId.values());
    }
  }
}
