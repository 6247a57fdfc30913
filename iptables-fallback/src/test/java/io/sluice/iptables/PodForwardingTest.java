package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("kernel")
class PodForwardingTest {
  private TestPod pod;
  private PodForwarding forwarding;

  @BeforeEach
  void open() throws Exception {
    pod = new TestPod();
    forwarding = PodForwarding.open(new LinuxNetworkNamespaces(), pod.netns);
  }

  @AfterEach
  void close() throws Exception {
    forwarding.close();
    pod.close();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void standsFromRaisingToLoweringAndLeavesNothing(Family family) throws Exception {
    assertThat(forwarding.stand(Set.of(family))).isFalse();

    forwarding.raise(family);
    assertThat(forwarding.stand(Set.of(family))).isTrue();
    assertThat(forwarding.refused(family)).isZero();

    forwarding.lower(family);
    assertThat(forwarding.stand(Set.of(family))).isFalse();
    forwarding.lower(family); // where there is none, too
  }

  @ParameterizedTest
  @CsvSource({
    "delete table ip sluice_forward",
    "flush chain ip sluice_forward passing; add rule ip sluice_forward passing accept",
    "add chain ip sluice_forward passing { policy accept; }",
    "add table ip sluice_forward { flags dormant; }"
  })
  void whatSomebodyDoesToItIsSeenAndPutRight(String deed) throws Exception {
    forwarding.raise(Family.IPV4);

    pod.inside("nft", deed);
    assertThat(forwarding.stand(Set.of(Family.IPV4))).as(deed).isFalse();

    forwarding.raise(Family.IPV4);
    assertThat(forwarding.stand(Set.of(Family.IPV4))).isTrue();
  }
}
