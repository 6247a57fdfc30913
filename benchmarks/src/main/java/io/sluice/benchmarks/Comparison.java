package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One line of the result between nodes.
 *
 * @param id stable name, for comparisons by machine
 * @param label what was measured, in words
 * @param unit of every value
 * @param values by crossing; none where there is no such thing, as a proxy's memory on the direct
 *     path
 */
record Comparison(String id, String label, String unit, Map<Crossing, Values> values) {
  Comparison {
    values = Map.copyOf(values);
  }

  /** Those that any of the lines has. */
  private static Set<Crossing> crossings(List<Comparison> comparisons) {
    Set<Crossing> crossings = EnumSet.of(Crossing.DIRECT);
    comparisons.forEach(comparison -> crossings.addAll(comparison.values.keySet()));
    return crossings;
  }

  /** Of the columns that {@link #rows} makes. */
  static List<String> headings(List<Comparison> comparisons) {
    List<String> headings = new ArrayList<>(List.of("measured", "unit"));
    for (Crossing crossing : crossings(comparisons)) {
      headings.add(crossing.heading());
      if (crossing != Crossing.DIRECT) {
        headings.add("of direct");
      }
    }
    return headings;
  }

  /** As rows of a table: a value, and where there is a direct path its ratio to that. */
  static List<List<String>> rows(List<Comparison> comparisons) {
    Set<Crossing> crossings = crossings(comparisons);
    return comparisons.stream().map(comparison -> comparison.row(crossings)).toList();
  }

  private List<String> row(Set<Crossing> crossings) {
    List<String> row = new ArrayList<>(List.of(label(), unit()));
    Values direct = values.get(Crossing.DIRECT);
    for (Crossing crossing : crossings) {
      Values those = values.get(crossing);
      row.add(those == null ? "" : Report.number(those.median()));
      if (crossing != Crossing.DIRECT) {
        row.add(ratio(those, direct));
      }
    }
    return row;
  }

  private static String ratio(@Nullable Values values, @Nullable Values direct) {
    return values == null || direct == null
        ? ""
        : String.format(
            Locale.ROOT,
            "%.2f (%.2f–%.2f)",
            values.ratio(direct),
            values.lowRatio(direct),
            values.highRatio(direct));
  }
}
