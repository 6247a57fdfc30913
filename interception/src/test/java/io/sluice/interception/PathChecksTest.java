package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.PathChecks.Waiting;
import org.junit.jupiter.api.Test;

class PathChecksTest {
  private static final long SECOND = 1_000_000_000;

  private final Waiting waiting = new Waiting(5 * SECOND, 0);

  @Test
  void isGivenUpAfterItsPatience() {
    assertThat(overAt(1, 2, 3, 4)).isFalse();
    assertThat(overAt(5)).isTrue();
  }

  @Test
  void timeInWhichTheProcessStoodStillDoesNotCount() {
    assertThat(overAt(1, 3_600)).isFalse();
    assertThat(overAt(3_601, 3_602)).isTrue();
  }

  @Test
  void whatIsBehindOthersIsWaitedForTenTimesAsLong() {
    for (int i = 1; i < 50; i++) {
      waiting.acceptedAnother();
      assertThat(overAt(i)).as("after %d s", i).isFalse();
    }
    waiting.acceptedAnother();
    assertThat(overAt(50)).isTrue();
  }

  @Test
  void itsPatienceBeginsAnewWithTheLastOneBefore() {
    assertThat(overAt(1, 2, 3, 4)).isFalse();
    waiting.acceptedAnother();
    assertThat(overAt(5, 6, 7, 8, 9)).isFalse();
    assertThat(overAt(10)).isTrue();
  }

  /** Whether it was given up by one of these looks. */
  private boolean overAt(long... seconds) {
    boolean over = false;
    for (long at : seconds) {
      over |= waiting.isOver(at * SECOND);
    }
    return over;
  }
}
