package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Results by the size of the site, as rows of a table and as a plot. */
final class GrowthRows {
  private static final int BAR_PER_DECADE = 10;

  /** What the plot compares: what grows with the site, and what must not. */
  private static final List<String> PLOTTED =
      List.of(
          "distribution.first.bytes",
          "distribution.permission.bytes",
          "distribution.neighbour.bytes",
          "distribution.pod.bytes");

  private GrowthRows() {}

  static List<String> headings(List<Growth> growths) {
    List<String> headings = new ArrayList<>(List.of("measured", "unit"));
    for (int pods : growths.getFirst().values().keySet()) {
      headings.add(String.format(Locale.ROOT, "%,d pods", pods));
    }
    return headings;
  }

  static List<List<String>> of(List<Growth> growths) {
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
}
