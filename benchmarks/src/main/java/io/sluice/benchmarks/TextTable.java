package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.List;

/** Rows of words as a table; the first two columns are text, the others numbers. */
final class TextTable {
  private static final int TEXT_COLUMNS = 2;

  private TextTable() {}

  /** For a terminal: columns padded with blanks. */
  static String aligned(List<String> headings, List<List<String>> rows) {
    List<List<String>> all = new ArrayList<>(List.of(headings));
    all.addAll(rows);
    int[] widths = new int[headings.size()];
    for (List<String> row : all) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : all) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        String padding = " ".repeat(widths[i] - row.get(i).length());
        line.append(i < TEXT_COLUMNS ? row.get(i) + padding : padding + row.get(i)).append("  ");
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  /** For a Markdown file. */
  static String markdown(List<String> headings, List<List<String>> rows) {
    StringBuilder text = new StringBuilder(line(headings));
    text.append("|---".repeat(TEXT_COLUMNS))
        .append("|--:".repeat(headings.size() - TEXT_COLUMNS))
        .append("|\n");
    rows.forEach(row -> text.append(line(row)));
    return text.toString();
  }

  private static String line(List<String> cells) {
    return "| " + String.join(" | ", cells) + " |\n";
  }
}
