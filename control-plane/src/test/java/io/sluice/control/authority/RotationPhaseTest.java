package io.sluice.control.authority;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.authority.RotationPhase.Distributing;
import io.sluice.control.authority.RotationPhase.Single;
import io.sluice.control.authority.RotationPhase.Using;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class RotationPhaseTest {
  private static final Instant NOON = Instant.parse("2026-06-01T12:00:00Z");
  private static final Duration LEAF = Duration.ofHours(24);
  private static final Instant DISTANT = NOON.plus(Duration.ofDays(3650));

  @Test
  void oneRootStaysByItself() {
    Single single = new Single("a");

    assertThat(single.at(DISTANT, LEAF)).isEqualTo(single);
    assertThat(single.trusted()).containsExactly("a");
  }

  @Test
  void theNextRootIsTrustedBeforeItSigns() {
    Distributing distributing = new Distributing("a", "b", NOON);

    assertThat(distributing.active()).isEqualTo("a");
    assertThat(distributing.trusted()).containsExactly("a", "b");
    assertThat(distributing.at(NOON.minusNanos(1), LEAF)).isEqualTo(distributing);
    assertThat(distributing.at(NOON, LEAF)).isEqualTo(new Using("b", "a", NOON.plus(LEAF)));
  }

  @Test
  void theOldRootIsTrustedUntilItsLastLeafHasExpired() {
    Using using = new Using("b", "a", NOON);

    assertThat(using.active()).isEqualTo("b");
    assertThat(using.trusted()).containsExactly("b", "a");
    assertThat(using.at(NOON.minusNanos(1), LEAF)).isEqualTo(using);
    assertThat(using.at(NOON, LEAF)).isEqualTo(new Single("b"));
  }

  @Test
  void noPhaseIsSkippedHoweverLateItIs() {
    RotationPhase phase = new Distributing("a", "b", NOON).at(DISTANT, LEAF);

    assertThat(phase).isEqualTo(new Using("b", "a", DISTANT.plus(LEAF)));
  }
}
