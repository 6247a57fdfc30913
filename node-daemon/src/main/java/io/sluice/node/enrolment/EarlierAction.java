package io.sluice.node.enrolment;

import java.util.Locale;

/** What became of a connection that is older than its pod's enrolment. */
public enum EarlierAction {
  /** Lives on, unprotected, as the operator chose. */
  KEPT,
  /** Lives on, unprotected, until the grace has passed. */
  GRACED,
  /** Was reset; the application connects again, through the mesh. */
  DESTROYED,
  /** Should have been reset and could not be; lives on, unprotected. */
  FAILED;

  /** As printed, and value of the metric label {@code action}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
