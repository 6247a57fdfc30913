package io.sluice.node.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.node.distribution.ControllerSnapshots.PodsToCome;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PodsToComeTest {
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1); // it may run over
  private final PodsToCome pods = new PodsToCome(clock::get);

  private void pass(Duration time) {
    long _ = clock.addAndGet(time.toNanos());
  }

  @Test
  void podsOfAClusterAreToComeForAsLongAsItIsFollowed() {
    pods.heard(true, true);
    pass(Duration.ofDays(1));

    assertThat(pods.mayCome()).isTrue();
  }

  @Test
  void aControllerThatIsAwayOrReadsNotAllIsWaitedForSoLong() {
    pods.heard(true, true);
    pass(Duration.ofDays(1));
    pods.lost();
    pass(PodsToCome.ABSENCE.minusMillis(1));
    assertThat(pods.mayCome()).isTrue();
    pods.heard(true, false);
    pods.lost();
    pass(Duration.ofMillis(1));

    assertThat(pods.mayCome()).isFalse();
    pods.heard(true, true);
    assertThat(pods.mayCome()).isTrue();
  }

  @Test
  void oneThatWasNeverReachedIsWaitedForSoLong() {
    assertThat(pods.mayCome()).isTrue();
    pass(PodsToCome.ABSENCE);

    assertThat(pods.mayCome()).isFalse();
  }

  @Test
  void aFolderNeverTellsOfPodsThatItDoesNotHold() {
    pods.heard(false, true);

    assertThat(pods.mayCome()).isFalse();
  }
}
