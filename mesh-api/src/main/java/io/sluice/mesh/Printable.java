package io.sluice.mesh;

import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What comes from outside and goes to a log, a terminal or one line of an answer: without an
 * escape, a line break in a name writes a line of its own, and a terminal obeys what it is shown.
 * Stateless.
 */
public final class Printable {
  private Printable() {}

  /** The beginning of {@code text}, as {@link #line} writes it. */
  public static String text(String text, int mostCharacters) {
    return line(text.substring(0, Math.min(text.length(), mostCharacters)));
  }

  /**
   * {@code text} on one line: what controls a terminal, breaks a line or turns the direction of
   * writing becomes an escape as Java writes it, and so does half of a surrogate pair. The same
   * object where there is nothing of the kind.
   */
  public static String line(String text) {
    int first = firstToEscape(text);
    if (first == text.length()) {
      return text;
    }
    StringBuilder line = new StringBuilder(text.length() + 16).append(text, 0, first);
    text.codePoints().skip(text.codePointCount(0, first)).forEach(c -> append(line, c));
    return line.toString();
  }

  /** Each line of {@code text} so; JSON stays JSON that says the same. */
  public static String lines(String text) {
    return Stream.of(text.split("\n", -1)).map(Printable::line).collect(Collectors.joining("\n"));
  }

  private static int firstToEscape(String text) {
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (isEscaped(c)) {
        return i;
      }
      i += Character.charCount(c);
    }
    return text.length();
  }

  private static boolean isEscaped(int c) {
    if (c >= ' ' && c < 0x7f) {
      return false;
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          true;
      default -> false;
    };
  }

  private static void append(StringBuilder line, int c) {
    if (!isEscaped(c)) {
      line.appendCodePoint(c);
      return;
    }
    switch (c) {
      case '\n' -> line.append("\\n");
      case '\r' -> line.append("\\r");
      case '\t' -> line.append("\\t");
      default -> {
        for (char unit : Character.toChars(c)) {
          line.append(String.format("\\u%04x", (int) unit));
        }
      }
    }
  }
}
