package io.sluice.cli.check;

import java.util.Locale;

/** How bad a finding is, worst first. */
public enum Severity {
  /** Something does not work, or is not safe. */
  ERROR,
  /** Something will not work, or does not as its author meant. */
  WARNING,
  /** Worth knowing. */
  INFO;

  /** As printed. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Severity of(String word) {
    return valueOf(word.toUpperCase(Locale.ROOT));
  }
}
