package io.sluice.reference;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A table as Markdown has it, put together row by row. */
final class MarkdownTable {
  private final List<String> lines = new ArrayList<>();
  private final int columns;

  MarkdownTable(String... heads) {
    columns = heads.length;
    row(heads);
    lines.add("|" + String.join("|", Collections.nCopies(columns, "---")) + "|");
  }

  /**
   * @throws IllegalArgumentException for another number of cells than there are heads
   */
  MarkdownTable row(String... cells) {
    if (cells.length != columns) {
      throw new IllegalArgumentException(columns + " cells are wanted: " + List.of(cells));
    }
    StringBuilder line = new StringBuilder("|");
    for (String cell : cells) {
      line.append(' ').append(cell.replace("|", "\\|")).append(cell.isEmpty() ? "|" : " |");
    }
    lines.add(line.toString());
    return this;
  }

  @Override
  public String toString() {
    return String.join("\n", lines) + "\n";
  }
}
