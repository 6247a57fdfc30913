package io.sluice.control.limit;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.authority.TestClock;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class AllowancesTest {
  private final TestClock clock = new TestClock(Instant.parse("2026-06-01T12:00:00Z"));
  private final Allowances<String> allowances =
      new Allowances<>(2, Duration.ofSeconds(10), 2, clock);

  @Test
  void burstIsTakenThenOneComesBackAtATime() {
    assertThat(allowances.take("a")).isTrue();
    assertThat(allowances.take("a")).isTrue();
    assertThat(allowances.take("a")).isFalse();

    clock.advance(Duration.ofSeconds(9));
    assertThat(allowances.take("a")).isFalse();
    clock.advance(Duration.ofSeconds(1));
    assertThat(allowances.take("a")).isTrue();
    assertThat(allowances.take("a")).isFalse();
  }

  @Test
  void neverMoreThanTheBurstIsSavedUp() {
    allowances.take("a");
    clock.advance(Duration.ofDays(1));
    allowances.giveBack("a");

    assertThat(allowances.take("a")).isTrue();
    assertThat(allowances.take("a")).isTrue();
    assertThat(allowances.take("a")).isFalse();
  }

  @Test
  void eachKeyHasItsOwnAndOldKeysAreForgotten() {
    allowances.take("a");
    allowances.take("a");
    assertThat(allowances.take("b")).isTrue();
    assertThat(allowances.take("c")).isTrue();

    assertThat(allowances.take("a")).isTrue();
  }

  @Test
  void clockThatIsSetBackDoesNotStopTheRefill() {
    allowances.take("a");
    allowances.take("a");
    clock.advance(Duration.ofDays(-1));
    assertThat(allowances.take("a")).isFalse();

    clock.advance(Duration.ofSeconds(10));
    assertThat(allowances.take("a")).isTrue();
  }
}
