package io.sluice.node.enrolment;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamespacedName;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LookTurnsTest {
  @ParameterizedTest
  @CsvSource({"0, 0, 1", "2, 2, 1", "3, 2, 2", "30, 2, 15", "60, 2, 30", "1000, 34, 30"})
  void everyPodHasItsTurnInARound(int pods, int ofASweep, int sweeps) {
    LookTurns turns = new LookTurns();
    List<NamespacedName> all = IntStream.range(0, pods).mapToObj(LookTurnsTest::pod).toList();
    for (int round = 0; round < 3; round++) {
      Set<NamespacedName> seen = new HashSet<>();
      for (int sweep = 0; sweep < sweeps; sweep++) {
        Set<NamespacedName> next = turns.next(all);
        assertThat(next).hasSize(ofASweep);
        seen.addAll(next);
      }
      assertThat(seen).hasSize(pods);
    }
  }

  /** Who comes has just been enrolled, and waits like the others. */
  @Test
  void whoStaysHasTurnsWhileOthersComeAndGo() {
    Random random = new Random(1);
    LookTurns turns = new LookTurns();
    Map<NamespacedName, Integer> waiting = new HashMap<>();
    IntStream.range(0, 60).forEach(number -> waiting.put(pod(number), 0));
    for (int sweep = 0; sweep < 500; sweep++) {
      waiting.keySet().removeIf(_ -> random.nextInt(30) == 0);
      for (int number = 1000 + 60 * sweep; waiting.size() < 60; number++) {
        waiting.put(pod(number), 0);
      }

      Set<NamespacedName> next = turns.next(waiting.keySet());

      waiting.replaceAll((pod, sweeps) -> next.contains(pod) ? 0 : sweeps + 1);
      assertThat(waiting.values())
          .allSatisfy(sweeps -> assertThat(sweeps).isLessThanOrEqualTo(LookTurns.ROUND));
    }
  }

  private static NamespacedName pod(int number) {
    return new NamespacedName("shop", "pod-" + number);
  }
}
