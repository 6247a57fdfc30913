package io.sluice.lab.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.demo.DemoRules.Found;
import org.junit.jupiter.api.Test;

class DemoRulesTest {
  @Test
  void countsOwnChainsTheirRulesAndTheJumpsToThem() {
    assertThat(
            DemoRules.parse(
                """
                *nat
                :OUTPUT ACCEPT [0:0]
                :SLUICE_OUTPUT - [0:0]
                -A OUTPUT -p tcp -j SLUICE_OUTPUT
                -A OUTPUT -p tcp -j ACCEPT
                -A SLUICE_OUTPUT -p tcp -j DNAT --to-destination 10.0.0.2:15001
                COMMIT
                """))
        .isEqualTo(new Found(1, 2));
  }

  @Test
  void findsNothingWhereNothingIsLeft() {
    assertThat(DemoRules.parse("*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n").isEmpty()).isTrue();
  }
}
