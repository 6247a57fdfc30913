package io.sluice.proxy.admission;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Lets so many bits pass in a second, of all who share it: each pays for a piece, waits until that
 * has become due, and passes it. Who asks first is first, and no piece is large, so that nobody
 * waits for more than a piece of each of the others. Any thread; times are of {@link
 * System#nanoTime}.
 */
public final class ByteRate {
  private static final double NANOS_PER_BYTE_AT_ONE_BIT = 8e9;

  /** Who is woken late makes up for it; so much may pass at once that had not passed before. */
  private static final long CREDIT_NANOS = 250_000_000;

  /** What a piece costs, unless it is one of the least or the most bytes. */
  private static final long PIECE_NANOS = 5_000_000;

  private static final int LEAST_BYTES = 1_024;
  private static final int MOST_BYTES = 16_384;

  private final double nanosPerByte;
  private final int pieceBytes;
  private final AtomicLong paid;

  ByteRate(long bitsPerSecond, long now) {
    this.nanosPerByte = NANOS_PER_BYTE_AT_ONE_BIT / bitsPerSecond;
    this.pieceBytes =
        (int) Math.clamp((long) (PIECE_NANOS / nanosPerByte), LEAST_BYTES, MOST_BYTES);
    this.paid = new AtomicLong(now);
  }

  /** Most bytes to be paid for at once. */
  public int pieceBytes() {
    return pieceBytes;
  }

  /** How long to wait, in nanoseconds, before {@code bytes} pass; 0: not at all. */
  public long pay(int bytes, long now) {
    long cost = cost(bytes);
    return Math.max(
        0, paid.updateAndGet(at -> now + Math.max(-CREDIT_NANOS, at - now) + cost) - now);
  }

  /** So many bytes were paid for and do not pass. */
  public void giveBack(int bytes) {
    paid.addAndGet(-cost(bytes));
  }

  private long cost(int bytes) {
    return (long) (bytes * nanosPerByte);
  }
}
