package io.sluice.control.authority.remote;

import io.sluice.control.authority.AuthorityException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;

/**
 * Tries again what may succeed later, with growing pauses of random length, for at most a set time.
 *
 * @param patience from the first try to the beginning of the last
 */
record Retries(Duration patience) {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final int LONGEST_PAUSE_DOUBLINGS = 4;

  <T> T run(Function<Deadline, T> call) {
    Deadline deadline = Deadline.in(patience);
    for (int tries = 0; ; tries++) {
      try {
        return call.apply(deadline);
      } catch (AuthorityException e) {
        Duration pause = pause(tries);
        if (!e.reason().isRetryable() || deadline.isWithin(pause)) {
          throw e;
        }
        await(pause, e);
      }
    }
  }

  /** Half fixed, half random, so that a thousand nodes do not come back in step. */
  private static Duration pause(int tries) {
    long full = FIRST_PAUSE.toNanos() << Math.min(tries, LONGEST_PAUSE_DOUBLINGS);
    return Duration.ofNanos(full / 2 + ThreadLocalRandom.current().nextLong(full / 2));
  }

  private static void await(Duration pause, AuthorityException cause) {
    try {
      Thread.sleep(pause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw cause;
    }
  }
}
