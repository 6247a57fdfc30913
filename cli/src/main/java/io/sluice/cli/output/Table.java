package io.sluice.cli.output;

import io.sluice.cli.output.Terminal.Tone;
import io.sluice.mesh.Printable;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Rows under headings, as wide as the terminal: the widest columns are shortened, never the line
 * broken. Confined to one thread.
 */
final class Table {
  /** One very wide cell does not move every other row's. */
  private static final int MAX_CELL = 80;

  /** To which a column is shortened at most: a beginning that says something. */
  private static final int MIN_CELL = 4;

  private static final String GAP = "  ";
  private static final String MORE = "…";

  private final List<String> headings;
  private final Terminal terminal;
  private final PrintWriter out;
  private final int[] widths;
  private boolean hasHeadings;

  Table(List<String> columns, Terminal terminal, PrintWriter out) {
    headings = columns.stream().map(column -> column.toUpperCase(Locale.ROOT)).toList();
    this.terminal = terminal;
    this.out = out;
    widths = headings.stream().mapToInt(String::length).toArray();
  }

  /** Prints rows; those of a later call stand under the same headings. */
  void print(List<List<String>> rows) {
    List<List<String>> shown =
        rows.stream().map(row -> row.stream().map(Printable::line).toList()).toList();
    for (List<String> row : shown) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], Math.min(row.get(i).length(), MAX_CELL));
      }
    }
    int[] fitting = fitting(shown);
    if (!hasHeadings) {
      hasHeadings = true;
      out.println(line(headings, fitting, true));
    }
    shown.forEach(row -> out.println(line(row, fitting, false)));
    out.flush();
  }

  /** What is left of the columns on this terminal. */
  private int[] fitting(List<List<String>> shown) {
    int[] fitting = widths.clone();
    if (terminal.columns() == 0) {
      return fitting;
    }
    int last = fitting.length - 1;
    shown.forEach(row -> fitting[last] = Math.max(fitting[last], row.get(last).length()));
    int room = terminal.columns() - GAP.length() * last;
    while (Arrays.stream(fitting).sum() > room) {
      int widest =
          IntStream.range(0, fitting.length).reduce(0, (a, b) -> fitting[b] >= fitting[a] ? b : a);
      if (fitting[widest] <= MIN_CELL) {
        break;
      }
      fitting[widest]--;
    }
    return fitting;
  }

  private String line(List<String> row, int[] fitting, boolean isHeading) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < row.size(); i++) {
      String cell = terminal.columns() == 0 ? row.get(i) : shortened(row.get(i), fitting[i]);
      line.append(terminal.coloured(cell, isHeading ? Tone.HEADING : Tone.of(cell)));
      if (i + 1 < row.size()) {
        line.repeat(' ', Math.max(0, fitting[i] - cell.length())).append(GAP);
      }
    }
    return line.toString();
  }

  private static String shortened(String cell, int most) {
    return cell.length() <= most ? cell : cell.substring(0, most - MORE.length()) + MORE;
  }
}
