package io.sluice.lab.site;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Waits for conditions by asking again, with a deadline. */
public final class Await {
  /** How many times slower than a real machine this one may be: an emulated one sets it. */
  private static final int SLOWNESS = Integer.getInteger("sluice.patience", 1);

  /** Far more than anything in a healthy mesh takes, on a busy machine too. */
  public static final Duration PATIENCE = patience(15);

  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  private Await() {}

  /** A deadline that is meant for a real machine, as it is on this one. */
  public static Duration patience(int seconds) {
    return Duration.ofSeconds(seconds).multipliedBy(SLOWNESS);
  }

  /** Returns when {@code condition} holds; a failure names {@code what} was waited for. */
  public static void until(String what, Callable<Boolean> condition) {
    until(what, PATIENCE, condition);
  }

  /** The same with another deadline. */
  public static void until(String what, Duration patience, Callable<Boolean> condition) {
    value(what, patience, () -> condition.call() ? Optional.of(true) : Optional.empty());
  }

  /** Something that is true sooner or later. */
  @FunctionalInterface
  public interface Condition<E extends Exception> {
    /** Whether it is true now. */
    boolean holds() throws E;
  }

  /**
   * Asks until the condition holds (true) or the time is over (false); asks at least once. An
   * interrupt ends it.
   */
  public static <E extends Exception> boolean until(Duration patience, Condition<E> condition)
      throws E, InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() >= deadline) {
        return false;
      }
      LockSupport.parkNanos(PAUSE_NANOS);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
    return true;
  }

  /** The first value that {@code source} has. An exception counts as "not yet". */
  public static <T> T value(String what, Duration patience, Callable<Optional<T>> source) {
    long deadline = System.nanoTime() + patience.toNanos();
    @Nullable Throwable last = null;
    do {
      try {
        Optional<T> value = source.call();
        if (value.isPresent()) {
          return value.get();
        }
        last = null;
      } catch (Exception | AssertionError e) {
        last = e;
      }
      LockSupport.parkNanos(PAUSE_NANOS);
      if (Thread.currentThread().isInterrupted()) {
        throw new IllegalStateException("interrupted while waiting until " + what, last);
      }
    } while (System.nanoTime() < deadline);
    throw new AssertionError("waited " + patience + " in vain until " + what, last);
  }

  /** Returns when {@code assertion} passes; else fails as it fails. */
  public static void untilPasses(Duration patience, Runnable assertion) {
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      try {
        assertion.run();
        return;
      } catch (AssertionError e) {
        if (System.nanoTime() >= deadline) {
          throw e;
        }
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }
}
