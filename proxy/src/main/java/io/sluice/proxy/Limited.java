package io.sluice.proxy;

import java.util.Locale;

/** What became of one question to a rate-limit service. */
public enum Limited {
  /** There is room. */
  OK,
  /** It is beyond a limit. */
  OVER_LIMIT,
  /** There was no answer, or none that could be used, so it is refused. */
  ERROR,
  /** There was none, and it goes on all the same. */
  FAILURE_MODE_ALLOWED;

  /** In metrics. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
