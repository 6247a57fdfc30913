package io.sluice.lab.demo;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Waits for a condition, never for a time. */
final class Await {
  private static final long POLL_NANOS = 10_000_000;

  private Await() {}

  /** Something that is true sooner or later. */
  @FunctionalInterface
  interface Condition<E extends Exception> {
    boolean holds() throws E;
  }

  /** Asks until the condition holds (true) or the time is over (false); asks at least once. */
  static <E extends Exception> boolean until(Duration most, Condition<E> condition)
      throws E, InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() - end >= 0) {
        return false;
      }
      LockSupport.parkNanos(POLL_NANOS);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
    return true;
  }
}
