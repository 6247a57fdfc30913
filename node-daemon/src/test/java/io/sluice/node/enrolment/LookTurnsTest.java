package io.sluice.node.enrolment;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LookTurnsTest {
  @ParameterizedTest
  @CsvSource({"0, 0, 1", "3, 3, 1", "8, 8, 1", "9, 8, 2", "30, 8, 4", "240, 8, 30", "1000, 34, 30"})
  void everyPodHasItsTurnInARound(int pods, int ofASweep, int sweeps) {
    LookTurns turns = new LookTurns();
    for (int round = 0; round < 3; round++) {
      BitSet seen = new BitSet();
      for (int sweep = 0; sweep < sweeps; sweep++) {
        turns.next(pods);
        int had = 0;
        for (int place = 0; place < pods; place++) {
          if (turns.has(place)) {
            had++;
            seen.set(place);
          }
        }
        assertThat(had).isEqualTo(ofASweep);
      }
      assertThat(seen.cardinality()).isEqualTo(pods);
    }
  }

  @ParameterizedTest
  @CsvSource({"30, 20", "20, 30", "30, 1"})
  void podsThatComeOrGoMeanwhileLeaveNobodyOut(int before, int after) {
    LookTurns turns = new LookTurns();
    turns.next(before);
    BitSet seen = new BitSet();
    for (int sweep = 0; sweep < LookTurns.ROUND.toSeconds(); sweep++) {
      turns.next(after);
      for (int place = 0; place < after; place++) {
        seen.set(place, seen.get(place) || turns.has(place));
      }
    }
    assertThat(seen.cardinality()).isEqualTo(after);
  }
}
