package io.sluice.proxy.limits;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.proxy.limits.Share.Answer;
import org.junit.jupiter.api.Test;

class ShareTest {
  private static final int MOST = 800;

  private final Share share = new Share(MOST);

  private int takeAll(Object source) {
    int taken = 0;
    while (share.take(source) == Answer.TAKEN) {
      taken++;
    }
    return taken;
  }

  @Test
  void oneAloneGetsMostOfIt() {
    assertThat(takeAll("one")).isEqualTo(700);
    assertThat(share.take("one")).isEqualTo(Answer.SOURCE_FULL);
  }

  @Test
  void aNewSourceFindsRoomHoweverManyWereGreedyBefore() {
    for (int i = 0; i < 20; i++) {
      assertThat(takeAll("greedy" + i)).isPositive();
    }

    assertThat(takeAll("late")).isPositive();
    assertThat(takeAll("later")).isPositive();
  }

  @Test
  void nobodyGetsMoreThanThereIs() {
    for (int i = 0; i < MOST; i++) {
      assertThat(share.take(i)).isEqualTo(Answer.TAKEN);
    }

    assertThat(share.take("late")).isEqualTo(Answer.FULL);
    share.leave(0);
    assertThat(share.take("late")).isEqualTo(Answer.TAKEN);
    assertThat(share.taken()).isEqualTo(MOST);
  }

  @Test
  void aSmallOneIsGivenToTheLast() {
    Share small = new Share(1);

    assertThat(small.take("one")).isEqualTo(Answer.TAKEN);
    assertThat(small.take("one")).isEqualTo(Answer.FULL);
    small.leave("one");
    assertThat(small.take("two")).isEqualTo(Answer.TAKEN);
  }
}
