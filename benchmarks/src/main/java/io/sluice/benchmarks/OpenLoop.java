package io.sluice.benchmarks;

import java.io.IOException;

/**
 * Requests that are due at fixed times, whatever earlier ones take. A latency counts from when its
 * request was due: one that waits for a slow answer before it is slow as well, so no stall is left
 * out because nobody could ask meanwhile.
 *
 * @param firstNanos when the first is due, on the given clock
 * @param intervalNanos between one and the next
 */
record OpenLoop(long firstNanos, long intervalNanos) {
  /** Time, and waiting for it. */
  interface Clock {
    /** As {@link System#nanoTime}. */
    long nanos();

    /** Returns at that time, or a little later; at once when it is past. */
    void awaitNanos(long due);
  }

  /** One request and its answer. */
  interface Request {
    void exchange() throws IOException;
  }

  /**
   * One of several clients that ask by turns, in even steps, {@code perSecond} times a second
   * together.
   */
  static OpenLoop of(int client, int clients, int perSecond, long beginNanos) {
    long interval = 1_000_000_000L * clients / perSecond;
    return new OpenLoop(beginNanos + interval * client / clients, interval);
  }

  /** Makes each request that is due before {@code endNanos}, however late it then is. */
  Latencies run(Clock clock, long endNanos, Request request) throws IOException {
    Latencies latencies = new Latencies();
    for (long due = firstNanos; due - endNanos < 0; due += intervalNanos) {
      clock.awaitNanos(due);
      request.exchange();
      latencies.add(clock.nanos() - due);
    }
    return latencies;
  }
}
