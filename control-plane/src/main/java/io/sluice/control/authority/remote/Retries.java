package io.sluice.control.authority.remote;

import io.sluice.control.authority.AuthorityException;
import io.sluice.process.Backoff;
import java.time.Duration;
import java.util.function.Function;

/**
 * Tries again what may succeed later, with growing pauses of random length, for at most a set time.
 *
 * @param patience from the first try to the beginning of the last
 */
record Retries(Duration patience) {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofMillis(3_200);

  <T> T run(Function<Deadline, T> call) {
    Deadline deadline = Deadline.in(patience);
    Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE);
    while (true) {
      try {
        return call.apply(deadline);
      } catch (AuthorityException e) {
        Duration pause = backoff.failed();
        if (!e.reason().isRetryable() || deadline.isWithin(pause)) {
          throw e;
        }
        await(pause, e);
      }
    }
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
