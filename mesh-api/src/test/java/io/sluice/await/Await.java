package io.sluice.await;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Waits for conditions by asking again, with a deadline. */
public final class Await {
  /** Far more than anything takes in a test without a kernel, on a busy machine too. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final long PAUSE_NANOS = 2_000_000;

  private Await() {}

  /**
   * Returns when {@code condition} holds. An exception counts as "not yet", an assertion that fails
   * in it fails the test at once.
   */
  public static void until(String what, Callable<Boolean> condition) {
    until(what, PATIENCE, condition);
  }

  /** The same with another deadline. */
  public static void until(String what, Duration patience, Callable<Boolean> condition) {
    long deadline = System.nanoTime() + patience.toNanos();
    @Nullable Exception last = null;
    do {
      try {
        if (condition.call()) {
          return;
        }
        last = null;
      } catch (Exception e) {
        last = e;
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    } while (System.nanoTime() - deadline < 0);
    throw new AssertionError("waited " + patience + " in vain until " + what, last);
  }

  /** Returns when {@code assertion} passes; else fails as it fails. */
  public static void until(Runnable assertion) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        assertion.run();
        return;
      } catch (AssertionError e) {
        if (System.nanoTime() - deadline >= 0) {
          throw e;
        }
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }
}
