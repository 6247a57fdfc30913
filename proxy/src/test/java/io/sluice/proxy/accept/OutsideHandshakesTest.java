package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class OutsideHandshakesTest {
  private static final long SECOND = Duration.ofSeconds(1).toNanos();
  private final OutsideHandshakes handshakes = new OutsideHandshakes(0);

  private long taken(Object source, int asked, long now) {
    return IntStream.range(0, asked).filter(_ -> handshakes.take(source, now)).count();
  }

  @Test
  void oneAloneLeavesSomeForWhoComes() {
    assertThat(taken("flood", 10_000, 1)).isEqualTo(OutsideHandshakes.MOST_OF_ONE);
    assertThat(taken("gateway", 10, 2)).isEqualTo(6);

    assertThat(taken("flood", 10_000, SECOND + 2)).isEqualTo(25);
    assertThat(taken("gateway", 20, SECOND + 3)).isEqualTo(20);
  }

  @Test
  void whoAsksHasAnEqualPartHoweverMuchOthersAsk() {
    for (int second = 0; second < 3; second++) {
      for (int i = 0; i < 1_000; i++) {
        for (int source = 0; source < 4; source++) {
          handshakes.take(source, second * SECOND + i);
        }
      }
    }
    Map<Object, Integer> taken = new HashMap<>();
    for (int i = 0; i < 1_000; i++) {
      for (Object source : List.of("gateway", 0, 1, 2, 3)) {
        taken.merge(source, handshakes.take(source, 3 * SECOND) ? 1 : 0, Integer::sum);
      }
    }
    assertThat(taken.values()).containsOnly(10);
  }

  @Test
  void whileMostAreLeftNobodyIsHeldToAPart() {
    for (int source = 0; source < 9; source++) {
      handshakes.take(source, 1);
    }

    assertThat(taken("gateway", 100, 1)).isEqualTo(16);
    assertThat(taken("later", 1, 1)).isEqualTo(1);
  }

  @Test
  void allTogetherHaveNoMoreThanAPodHasTimeForAndNoSourceIsKept() {
    long all = IntStream.range(0, 100_000).filter(i -> handshakes.take(i, 5)).count();
    assertThat(all).isEqualTo(OutsideHandshakes.MOST);

    assertThat(taken("later", 100, 3 * SECOND)).isEqualTo(OutsideHandshakes.MOST_OF_ONE);
  }
}
