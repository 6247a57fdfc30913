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
  @CsvSource({
    "10, 0, 0, 1",
    "10, 3, 3, 1",
    "10, 10, 10, 1",
    "10, 30, 10, 3",
    "10, 60, 10, 6",
    "10, 1000, 167, 6",
    "0, 3, 1, 6",
    "0, 30, 5, 6",
    "0, 45, 8, 6"
  })
  void everyPodHasItsTurnInARound(int least, int pods, int mostOfASweep, int sweeps) {
    LookTurns turns = new LookTurns(least);
    List<NamespacedName> all = IntStream.range(0, pods).mapToObj(LookTurnsTest::pod).toList();
    for (int round = 0; round < 3; round++) {
      Set<NamespacedName> seen = new HashSet<>();
      for (int sweep = 0; sweep < sweeps; sweep++) {
        Set<NamespacedName> next = turns.next(all);
        assertThat(next).hasSizeLessThanOrEqualTo(mostOfASweep);
        seen.addAll(next);
      }
      assertThat(seen).hasSize(pods);
    }
  }

  /** Who comes has just been enrolled, and waits like the others. */
  @Test
  void whoStaysHasTurnsWhileOthersComeAndGo() {
    Random random = new Random(1);
    LookTurns turns = new LookTurns(10);
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
