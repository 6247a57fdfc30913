package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class RulesProofTest {
  private static final RulesProof PROOF =
      new RulesProof(-7, RulesProof.digest("wanted"), RulesProof.digest("present"));

  @Test
  void isReadAsItWasWritten() {
    assertThat(RulesProof.parse(PROOF.lines())).contains(PROOF);
  }

  @Test
  void provesNothingInPartOrOtherwise() {
    List<String> lines = PROOF.lines();

    assertThat(RulesProof.parse(List.of())).isEmpty();
    assertThat(RulesProof.parse(lines.subList(0, 2))).isEmpty();
    assertThat(RulesProof.parse(List.of("x", lines.get(1), lines.get(2)))).isEmpty();
    assertThat(RulesProof.parse(List.of("1", lines.get(1), lines.get(2).substring(1)))).isEmpty();
    assertThatThrownBy(() -> new RulesProof(1, "", lines.get(2)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
