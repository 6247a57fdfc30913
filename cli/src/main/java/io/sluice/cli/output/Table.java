package io.sluice.cli.output;

import io.sluice.cli.output.Terminal.Tone;
import io.sluice.mesh.Printable;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Rows under headings, as wide as the terminal: the widest columns are shortened, never the line
 * broken, and where they would say nothing any more, the last ones are left out. Confined to one
 * thread.
 */
final class Table {
  /** One very wide cell does not move every other row's. */
  private static final int MAX_CELL = 80;

  /** To which a column is shortened at most while another one can be left out. */
  private static final int TELLING_CELL = 10;

  /** To which the last ones that are left are shortened at most. */
  private static final int MIN_CELL = 4;

  private static final Pattern TIME = Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");

  private static final String GAP = "  ";
  private static final String MORE = "…";

  private final List<String> headings;
  private final Terminal terminal;
  private final PrintWriter out;
  private final int[] widths;
  private boolean hasHeadings;
  private int columns;

  Table(List<String> columns, Terminal terminal, PrintWriter out) {
    headings = columns.stream().map(column -> column.toUpperCase(Locale.ROOT)).toList();
    this.terminal = terminal;
    this.out = out;
    widths = headings.stream().mapToInt(String::length).toArray();
    this.columns = widths.length;
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
    if (!hasHeadings) {
      columns = columnsWithRoom(shown);
    }
    int[] fitting = fitting(shown);
    if (!hasHeadings) {
      hasHeadings = true;
      out.println(line(headings, fitting, true) + (columns < widths.length ? GAP + MORE : ""));
    }
    shown.forEach(row -> out.println(line(row, fitting, false)));
    out.flush();
  }

  /** How many of the columns have room for what says something; two are always there. */
  private int columnsWithRoom(List<List<String>> shown) {
    int room = terminal.columns();
    if (room == 0) {
      return widths.length;
    }
    int left = 0;
    for (int i = 0; i < widths.length; i++) {
      boolean isLast = i + 1 == widths.length;
      int most = shown.isEmpty() ? TELLING_CELL : width(i, shown); // rows are still to come
      left += Math.min(most, TELLING_CELL) + (isLast ? 0 : GAP.length());
      if (i >= 2 && left + (isLast ? 0 : MORE.length()) > room) {
        return i;
      }
    }
    return widths.length;
  }

  /** The last column is as wide as it is: nothing stands behind it. */
  private int width(int column, List<List<String>> shown) {
    return column + 1 < widths.length
        ? widths[column]
        : shown.stream()
            .mapToInt(row -> row.get(column).length())
            .reduce(widths[column], Math::max);
  }

  /** What is left of each column on this terminal. */
  private int[] fitting(List<List<String>> shown) {
    if (terminal.columns() == 0) {
      return widths.clone();
    }
    int[] fitting = IntStream.range(0, columns).map(i -> width(i, shown)).toArray();
    boolean isWhole = columns == widths.length;
    int room =
        terminal.columns()
            - GAP.length() * (columns - 1)
            - (isWhole ? 0 : GAP.length() + MORE.length());
    while (Arrays.stream(fitting).sum() > room) {
      int widest =
          IntStream.range(0, columns).reduce(0, (a, b) -> fitting[b] >= fitting[a] ? b : a);
      if (fitting[widest] <= MIN_CELL) {
        break;
      }
      fitting[widest]--;
    }
    return fitting;
  }

  /** The first cell says what the row is about, and has no colour of its own where others are. */
  private String line(List<String> row, int[] fitting, boolean isHeading) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < columns; i++) {
      String cell = terminal.columns() == 0 ? row.get(i) : shortened(row.get(i), fitting[i]);
      boolean isName = i == 0 && row.size() > 1;
      Tone tone = isHeading ? Tone.HEADING : isName ? Tone.PLAIN : Tone.of(row.get(i));
      line.append(terminal.coloured(cell, tone));
      if (i + 1 < columns) {
        line.repeat(' ', Math.max(0, fitting[i] - cell.length())).append(GAP);
      }
    }
    return line.toString();
  }

  /** Of a moment the end tells more: rows are of one day mostly. */
  private static String shortened(String cell, int most) {
    if (cell.length() <= most) {
      return cell;
    }
    int kept = most - MORE.length();
    return TIME.matcher(cell).matches()
        ? MORE + cell.substring(cell.length() - kept)
        : cell.substring(0, kept) + MORE;
  }
}
