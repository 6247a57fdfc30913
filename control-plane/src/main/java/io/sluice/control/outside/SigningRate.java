package io.sluice.control.outside;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * How often certificates are signed for one namespace: as many at once as it may have, then one a
 * minute, so that whoever may write there cannot push others' out of the journal. Times are of
 * {@link System#nanoTime}; for one thread.
 */
final class SigningRate {
  /** At once. */
  static final int MOST = 32;

  private static final long COST_NANOS = Duration.ofMinutes(1).toNanos();

  /** When each has all of them again; those that have them are not kept. */
  private final Map<String, Long> full = new HashMap<>();

  /** Takes one; returns how long to wait in nanoseconds where there is none, else 0. */
  long take(String namespace, long now) {
    full.values().removeIf(at -> at - now <= 0);
    long left = full.getOrDefault(namespace, now) - now;
    long wait = left - (MOST - 1) * COST_NANOS;
    if (wait > 0) {
      return wait;
    }
    full.put(namespace, now + left + COST_NANOS);
    return 0;
  }
}
