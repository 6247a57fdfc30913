package io.sluice.control.authority.remote;

import java.time.Duration;

/**
 * A moment after which nobody waits any longer.
 *
 * @param nanoTime of {@link System#nanoTime()}
 */
public record Deadline(long nanoTime) {
  /** In {@code time} from now. */
  public static Deadline in(Duration time) {
    return new Deadline(System.nanoTime() + time.toNanos());
  }

  /** True from {@code time} before the moment on. */
  public boolean isWithin(Duration time) {
    return System.nanoTime() + time.toNanos() - nanoTime >= 0;
  }
}
