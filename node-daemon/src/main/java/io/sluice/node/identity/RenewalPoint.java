package io.sluice.node.identity;

import java.time.Duration;
import java.time.Instant;
import java.util.random.RandomGenerator;

/**
 * When a certificate is renewed: at a random point around the middle of what is left of its life
 * when it comes. Not of all its life, which begins minutes before its issue; of a short one that
 * would be over before.
 */
final class RenewalPoint {
  private static final double EARLIEST = 0.45;
  private static final double LATEST = 0.55;

  private RenewalPoint() {}

  static Instant of(Instant receivedAt, Instant end, RandomGenerator random) {
    long left = Duration.between(receivedAt, end).toMillis();
    return receivedAt.plusMillis((long) (left * random.nextDouble(EARLIEST, LATEST)));
  }
}
