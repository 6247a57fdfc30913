package io.sluice.cli.output;

import io.sluice.linux.process.Terminals;
import java.util.OptionalInt;

/**
 * What standard output can show. Asked anew for each table: a window may be resized.
 *
 * @param columns characters of a line; 0 where no terminal reads
 * @param hasColour whether words may be coloured
 */
record Terminal(int columns, boolean hasColour) {
  /** A pipe or a file: lines are as long as they are, without colour. */
  static final Terminal NONE = new Terminal(0, false);

  /** Where this process prints to now. {@code NO_COLOR} is of no-color.org: any text but none. */
  static Terminal current() {
    OptionalInt columns = Terminals.columnsOfOutput();
    if (columns.isEmpty()) {
      return NONE;
    }
    String noColour = System.getenv("NO_COLOR");
    return new Terminal(
        columns.getAsInt(),
        (noColour == null || noColour.isEmpty()) && !"dumb".equals(System.getenv("TERM")));
  }

  /** The same with lines without an end. */
  Terminal withoutEnd() {
    return new Terminal(0, hasColour);
  }

  /** The text in the colour of what it says, where colours are shown. */
  String coloured(String text, Tone tone) {
    return hasColour && !tone.code.isEmpty()
        ? "\u001b[" + tone.code + "m" + text + "\u001b[m"
        : text;
  }

  /** What a word says. */
  enum Tone {
    HEADING("1"),
    GOOD("32"),
    DOUBTFUL("33"),
    BAD("31"),
    PLAIN("");

    private final String code;

    Tone(String code) {
      this.code = code;
    }

    /** Of a whole cell, as what pods, certificates, flows and findings are called. */
    static Tone of(String word) {
      return switch (word) {
        case "allowed", "enrolled", "protected", "valid" -> GOOD;
        case "pending", "warning" -> DOUBTFUL;
        case "refused", "error", "expired", "missing", "not protected" -> BAD;
        default -> PLAIN;
      };
    }
  }
}
