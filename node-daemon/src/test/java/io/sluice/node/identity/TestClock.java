package io.sluice.node.identity;

import java.time.Duration;
import java.time.Instant;

/** The machine's clocks, set by a test. */
final class TestClock implements IdentityClock {
  private volatile Duration wall = Duration.ZERO;
  private volatile Duration monotonic = Duration.ZERO;

  @Override
  public Instant instant() {
    return Instant.now().plus(wall);
  }

  @Override
  public long nanos() {
    return System.nanoTime() + monotonic.toNanos();
  }

  /** Sets the wall clock by so much. */
  TestClock jump(Duration by) {
    wall = wall.plus(by);
    return this;
  }

  /** Time passes. */
  void pass(Duration by) {
    wall = wall.plus(by);
    monotonic = monotonic.plus(by);
  }
}
