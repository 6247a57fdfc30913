package io.sluice.mesh.svid;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SvidJudgeTest {
  private static Stream<OddChains.Chain> chains() {
    return OddChains.all();
  }

  @ParameterizedTest
  @MethodSource("chains")
  void tellsTheFirstRuleThatAChainBreaks(OddChains.Chain chain) {
    assertThat(refusal(chain)).isEqualTo(chain.refusal());
  }

  private static Optional<SvidReason> refusal(OddChains.Chain chain) {
    try {
      SvidJudge judge = SvidJudge.of(OddChains.DOMAIN, chain.roots());
      SvidJudge.Proven proven =
          judge.prove(
              Certificates.parse(chain.der(), SvidJudge.LONGEST_SHOWN),
              Set.of(SvidJudge.Purpose.CLIENT),
              OddChains.NOW);
      assertThat(proven.identity()).isEqualTo(OddChains.IDENTITY);
      assertThat(chain.roots()).contains(proven.root());
      return Optional.empty();
    } catch (SvidRefused e) {
      assertThat(e).hasMessageMatching("(?s).{10,}");
      return Optional.of(e.reason());
    }
  }
}
