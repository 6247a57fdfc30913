package io.sluice.node.identity;

import io.sluice.node.identity.control.ControlFailure;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A failure that lasts.
 *
 * @param since when it began, by the wall clock
 * @param latest how it failed the last time
 */
record Trouble(Instant since, ControlFailure latest) {
  /** {@code latest} after {@code before}, which may be nothing. */
  static Trouble after(@Nullable Trouble before, ControlFailure latest, Instant now) {
    return new Trouble(before == null ? now : before.since(), latest);
  }

  String text() {
    return latest.reason().label() + ": " + latest.getMessage();
  }
}
