package io.sluice.control.limit;

/** What comes from outside and goes to a log or a terminal. */
public final class Printable {
  private Printable() {}

  /** The beginning of {@code text}, with a question mark for each control character. */
  public static String text(String text, int mostCharacters) {
    return text.substring(0, Math.min(text.length(), mostCharacters)).replaceAll("\\p{Cntrl}", "?");
  }
}
