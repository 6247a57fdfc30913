package io.sluice.proxy.admission;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Lets so many bits pass in a second, of all who share it: who has passed some waits until they are
 * paid for. Any thread; times are of {@link System#nanoTime}.
 */
public final class ByteRate {
  private static final double NANOS_PER_BYTE_AT_ONE_BIT = 8e9;

  /** Who is woken late makes up for it; so much may pass at once that had not passed before. */
  private static final long CREDIT_NANOS = 250_000_000;

  private final double nanosPerByte;
  private final AtomicLong paid;

  ByteRate(long bitsPerSecond, long now) {
    this.nanosPerByte = NANOS_PER_BYTE_AT_ONE_BIT / bitsPerSecond;
    this.paid = new AtomicLong(now);
  }

  /** How long to wait, in nanoseconds, after {@code bytes} have passed; 0: not at all. */
  public long pass(long bytes, long now) {
    long cost = (long) (bytes * nanosPerByte);
    return Math.max(
        0, paid.updateAndGet(at -> now + Math.max(-CREDIT_NANOS, at - now) + cost) - now);
  }
}
