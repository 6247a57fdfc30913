package io.sluice.control.authority;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A clock that goes when it is told. */
public final class TestClock implements InstantSource {
  private volatile Instant now;

  public TestClock(Instant begin) {
    this.now = begin;
  }

  @Override
  public Instant instant() {
    return now;
  }

  public void advance(Duration by) {
    set(now.plus(by));
  }

  public void set(Instant instant) {
    now = instant;
  }
}
