package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("kernel")
class RulesetGenerationTest {
  @Test
  void staysWithoutAChangeAndRisesWithOne() throws Exception {
    try (TestPod pod = new TestPod();
        RulesetGeneration generation =
            RulesetGeneration.open(new LinuxNetworkNamespaces(), pod.netns)) {
      OptionalInt first = generation.current();
      assumeThat(first).as("this kernel has nftables").isPresent();

      assertThat(generation.current()).isEqualTo(first);
      pod.inside("iptables-nft", "-t", "nat", "-N", "SOMEBODY");

      assertThat(generation.current()).isPresent().isNotEqualTo(first);
    }
  }
}
