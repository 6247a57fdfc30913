package io.sluice.control.authority.vault;

import io.sluice.control.authority.AuthorityException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;

/**
 * Tries again what may succeed later, with growing pauses of random length, for at most a set time.
 *
 * @param patience from the first try to the beginning of the last
 */
record Retries(Duration patience) {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final int LONGEST_PAUSE_DOUBLINGS = 4;

  <T> T run(Supplier<T> call) {
    long deadline = System.nanoTime() + patience.toNanos();
    for (int tries = 0; ; tries++) {
      try {
        return call.get();
      } catch (AuthorityException e) {
        long pause = pauseNanos(tries);
        if (!e.reason().isRetryable() || System.nanoTime() + pause >= deadline) {
          throw e;
        }
        pause(pause, e);
      }
    }
  }

  /** Half fixed, half random, so that a thousand nodes do not come back in step. */
  private static long pauseNanos(int tries) {
    long full = FIRST_PAUSE.toNanos() << Math.min(tries, LONGEST_PAUSE_DOUBLINGS);
    return full / 2 + ThreadLocalRandom.current().nextLong(full / 2);
  }

  private static void pause(long nanos, AuthorityException cause) {
    try {
      Thread.sleep(Duration.ofNanos(nanos));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw cause;
    }
  }
}
