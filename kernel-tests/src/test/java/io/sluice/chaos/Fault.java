package io.sluice.chaos;

import java.time.Duration;

/**
 * Something that goes wrong for a while.
 *
 * @param name as the report counts it
 * @param end undone by this, once
 */
record Fault(String name, Duration lasting, Runnable begin, Runnable end) {
  /** One that is over as soon as it has happened. */
  static Fault moment(String name, Runnable what) {
    return new Fault(name, Duration.ZERO, what, () -> {});
  }
}
