package io.sluice.proxy;

import java.util.Locale;

/** What became of one request that the mesh's authoriser was to be asked about. */
public enum Authorized {
  /** It may go on. */
  OK,
  /** It may not. */
  DENIED,
  /** There was no answer, or none that could be used, so it may not. */
  ERROR,
  /** There was none, and it goes on all the same. */
  FAILURE_MODE_ALLOWED;

  /** In metrics. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
