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
  public static final Duration PATIENCE = patience(30);

  private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

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
    long begin = System.nanoTime();
    while (true) {
      long asked = System.nanoTime();
      if (condition.holds()) {
        return true;
      }
      if (isOver(begin, patience)) {
        return false;
      }
      pause(begin, asked);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
  }

  private static boolean isOver(long begin, Duration patience) {
    return System.nanoTime() - begin >= patience.toNanos();
  }

  /**
   * A tenth of what was waited so far, and twice as long as it took to ask: that costs the machine
   * that is waited for.
   */
  private static void pause(long begin, long asked) {
    long now = System.nanoTime();
    LockSupport.parkNanos(
        Math.clamp(
            Math.max((now - begin) / 10, (now - asked) * 2),
            SHORTEST_PAUSE_NANOS,
            LONGEST_PAUSE_NANOS));
  }

  /** The first value that {@code source} has. An exception counts as "not yet". */
  public static <T> T value(String what, Duration patience, Callable<Optional<T>> source) {
    long begin = System.nanoTime();
    @Nullable Throwable last = null;
    do {
      long asked = System.nanoTime();
      try {
        Optional<T> value = source.call();
        if (value.isPresent()) {
          return value.get();
        }
        last = null;
      } catch (Exception | AssertionError e) {
        last = e;
      }
      pause(begin, asked);
      if (Thread.currentThread().isInterrupted()) {
        throw new IllegalStateException("interrupted while waiting until " + what, last);
      }
    } while (!isOver(begin, patience));
    throw new AssertionError("waited " + patience + " in vain until " + what, last);
  }

  /** Returns when {@code assertion} passes; else fails as it fails. */
  public static void untilPasses(Duration patience, Runnable assertion) {
    long begin = System.nanoTime();
    while (true) {
      long asked = System.nanoTime();
      try {
        assertion.run();
        return;
      } catch (AssertionError e) {
        if (isOver(begin, patience)) {
          throw e;
        }
        pause(begin, asked);
      }
    }
  }
}
