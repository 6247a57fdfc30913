package io.sluice.node;

import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;

/** Lets one log line a second pass, so that peers and pods cannot fill a disk. Any thread. */
final class LineEachSecond {
  private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  private final AtomicLong nextNanos = new AtomicLong(System.nanoTime());
  private final AtomicLong leftOut = new AtomicLong();

  /** How many lines were left out before this one; empty when this one is left out. */
  OptionalLong next() {
    long now = System.nanoTime();
    long next = nextNanos.get();
    if (now - next < 0 || !nextNanos.compareAndSet(next, now + PAUSE_NANOS)) {
      leftOut.incrementAndGet();
      return OptionalLong.empty();
    }
    return OptionalLong.of(leftOut.getAndSet(0));
  }
}
