package io.sluice.node.identity;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Pauses after failures: each twice the one before up to a cap, of which a random half is waited,
 * so that nodes which failed together do not return together. One thread.
 */
public final class Backoff {
  static final Duration FIRST = Duration.ofSeconds(1);
  static final Duration LONGEST = Duration.ofSeconds(30);

  private final RandomGenerator random;
  private long pauseNanos;
  private long dueNanos;

  /** Nothing has failed yet. */
  public Backoff(RandomGenerator random) {
    this.random = random;
  }

  /** It has failed at {@code nowNanos}. */
  public void failed(long nowNanos) {
    pauseNanos = pauseNanos == 0 ? FIRST.toNanos() : Math.min(2 * pauseNanos, LONGEST.toNanos());
    dueNanos = nowNanos + pauseNanos / 2 + random.nextLong(pauseNanos / 2);
  }

  /** It has succeeded. */
  public void reset() {
    pauseNanos = 0;
  }

  /** Whether nothing has failed since the last success. */
  boolean isClear() {
    return pauseNanos == 0;
  }

  /** How long to wait at {@code nowNanos} before it is tried again, in nanoseconds. */
  public long leftNanos(long nowNanos) {
    return isClear() ? 0 : Math.max(0, dueNanos - nowNanos);
  }

  /** Whether it may be tried at {@code nowNanos}. */
  boolean isOver(long nowNanos) {
    return isClear() || nowNanos - dueNanos >= 0;
  }
}
