package io.sluice.node.store;

import java.time.Duration;

/**
 * When the store writes.
 *
 * @param pause between two files: flash wears, and what is lost in it at a power cut is little
 * @param retry after a failure
 * @param refresh age from which the same content is written again, for its time alone
 * @param close longest wait at the end
 */
record StoreTiming(Duration pause, Duration retry, Duration refresh, Duration close) {
  static final StoreTiming DEFAULTS =
      new StoreTiming(
          Duration.ofSeconds(1),
          Duration.ofSeconds(30),
          Duration.ofMinutes(15),
          Duration.ofSeconds(2));
}
