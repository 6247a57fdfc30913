package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Comparisons as rows of a table: a value, and where there is a direct path its ratio to that. */
final class ComparisonRows {
  /** Of the columns that {@link #of} makes. */
  static final List<String> HEADINGS = headings();

  private ComparisonRows() {}

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

  static List<List<String>> of(List<Comparison> comparisons) {
    return comparisons.stream().map(ComparisonRows::row).toList();
  }

  private static List<String> row(Comparison comparison) {
    List<String> row = new ArrayList<>(List.of(comparison.label(), comparison.unit()));
    for (Crossing crossing : Crossing.values()) {
      row.add(comparison.has(crossing) ? Report.number(comparison.median(crossing)) : "");
      if (crossing != Crossing.DIRECT) {
        row.add(comparison.has(crossing) ? ratio(comparison.ratios(crossing)) : "");
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
