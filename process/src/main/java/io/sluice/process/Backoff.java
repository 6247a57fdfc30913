package io.sluice.process;

import java.time.Duration;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Pauses after failures: each twice the one before up to a longest, of which a random half is
 * waited, so that what failed together does not come back together. For one thread at a time.
 */
public final class Backoff {
  /** The first pause unless another is given. */
  public static final Duration SHORTEST = Duration.ofSeconds(1);

  /** The longest pause unless another is given. */
  public static final Duration LONGEST = Duration.ofSeconds(30);

  private static final int MOST_DOUBLINGS = 20;

  private final Duration shortest;
  private final Duration longest;
  private final RandomGenerator random;
  private int failures;
  private long dueNanos;

  /** From {@link #SHORTEST} to {@link #LONGEST}; nothing has failed yet. */
  public Backoff(RandomGenerator random) {
    this(SHORTEST, LONGEST, random);
  }

  /** Nothing has failed yet. */
  public Backoff(Duration shortest, Duration longest) {
    this(shortest, longest, new SplittableRandom());
  }

  private Backoff(Duration shortest, Duration longest, RandomGenerator random) {
    this.shortest = shortest;
    this.longest = longest;
    this.random = random;
  }

  /** Number of failures since the last success. */
  public int failures() {
    return failures;
  }

  /** Whether nothing has failed since the last success. */
  public boolean isClear() {
    return failures == 0;
  }

  /** It has succeeded: the next pause is a short one again. */
  public void reset() {
    failures = 0;
  }

  /** It has failed now; returns the pause. */
  public Duration failed() {
    return failed(System.nanoTime());
  }

  /** It has failed at {@code nowNanos} of the caller's clock; returns the pause from there. */
  public Duration failed(long nowNanos) {
    int doublings = Math.min(failures++, MOST_DOUBLINGS);
    long full = Math.min(shortest.toNanos() << doublings, longest.toNanos());
    long pause = full / 2 + random.nextLong(full / 2 + 1);
    dueNanos = nowNanos + pause;
    return Duration.ofNanos(pause);
  }

  /**
   * What went on since the last pause has ended at {@code nowNanos}: as {@link #failed(long)}, but
   * the first time again where it went on for longer than the longest pause.
   */
  public Duration ended(long nowNanos) {
    if (nowNanos - dueNanos > longest.toNanos()) {
      reset();
    }
    return failed(nowNanos);
  }

  /** Whether it may be tried now; counts as a failure until {@link #reset} says otherwise. */
  public boolean attempt() {
    long now = System.nanoTime();
    boolean isOver = isOver(now);
    if (isOver) {
      failed(now);
    }
    return isOver;
  }

  /** How long to wait at {@code nowNanos} before it is tried again, in nanoseconds. */
  public long leftNanos(long nowNanos) {
    return isClear() ? 0 : Math.max(0, dueNanos - nowNanos);
  }

  /** Whether it may be tried at {@code nowNanos}. */
  public boolean isOver(long nowNanos) {
    return leftNanos(nowNanos) == 0;
  }
}
