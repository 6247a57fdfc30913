package io.sluice.cni;

import static org.assertj.core.api.Assertions.fail;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Waits for conditions by asking again, with a deadline. */
public final class Await {
  /** Far more than anything takes here, on a busy machine too. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private static final long PAUSE_NANOS = 2_000_000;

  private Await() {}

  /** Returns when {@code condition} holds. An exception counts as "not yet". */
  public static void until(String what, Callable<Boolean> condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    @Nullable Throwable last = null;
    do {
      try {
        if (condition.call()) {
          return;
        }
        last = null;
      } catch (Exception | AssertionError e) {
        last = e;
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    } while (System.nanoTime() - deadline < 0);
    fail("waited " + PATIENCE + " in vain until " + what, last);
  }
}
