package io.sluice.node.identity;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.node.identity.Requests.RenewalPoint;
import io.sluice.process.Backoff;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When to renew, and when to try again. */
class WaitingTest {
  private final Random random = new Random(7);

  @ParameterizedTest
  @ValueSource(strings = {"PT60S", "PT24H", "PT168H"})
  void renewalIsSpreadAroundTheMiddleOfWhatIsLeft(Duration left) {
    Instant received = Instant.parse("2026-07-01T00:00:00Z");
    double least = 1;
    double most = 0;
    for (int i = 0; i < 1_000; i++) {
      Instant point = RenewalPoint.of(received, received.plus(left), random);
      double part = Duration.between(received, point).toMillis() / (double) left.toMillis();
      least = Math.min(least, part);
      most = Math.max(most, part);
    }
    assertThat(least).isBetween(0.449, 0.46);
    assertThat(most).isBetween(0.54, 0.55);
  }

  @Test
  void pausesGrowToACapAndAreNeverAlike() {
    Backoff backoff = new Backoff(random);
    assertThat(backoff.isOver(0)).isTrue();
    long now = 0;
    Duration before = Duration.ZERO;
    for (int i = 0; i < 12; i++) {
      backoff.failed(now);
      Duration pause = pause(backoff, now);
      Duration step = Duration.ofSeconds(Math.min(30, 1L << i));
      assertThat(pause).isBetween(step.dividedBy(2), step).isNotEqualTo(before);
      before = pause;
      now += Duration.ofMinutes(1).toNanos();
    }
    backoff.reset();
    assertThat(backoff.isOver(now)).isTrue();
    backoff.failed(now);
    assertThat(pause(backoff, now)).isLessThanOrEqualTo(Backoff.SHORTEST);
  }

  private static Duration pause(Backoff backoff, long failedAt) {
    long millis = 0;
    while (!backoff.isOver(failedAt + Duration.ofMillis(millis).toNanos())) {
      millis++;
    }
    return Duration.ofMillis(millis);
  }
}
