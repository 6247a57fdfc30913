package io.sluice.node.enrolment;

import java.time.Duration;

/** When to try again what has failed: after 1 s, then twice as long each time, up to 30 s. */
final class Backoff {
  private static final Duration FIRST = Duration.ofSeconds(1);
  private static final Duration LAST = Duration.ofSeconds(30);

  private Duration pause = FIRST;
  private long due = System.nanoTime();

  /** Whether it is time to try; counts as an attempt then. */
  boolean attempt() {
    long now = System.nanoTime();
    if (now - due < 0) {
      return false;
    }
    due = now + pause.toNanos();
    Duration doubled = pause.multipliedBy(2);
    pause = doubled.compareTo(LAST) > 0 ? LAST : doubled;
    return true;
  }

  /** It has succeeded. */
  void reset() {
    pause = FIRST;
    due = System.nanoTime();
  }
}
