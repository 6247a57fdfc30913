package io.sluice.linux.capability;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class CapabilitiesTest {
  @Test
  void readsTheEffectiveMask() {
    var status = List.of("CapPrm:\tffffffffffffffff", "CapEff:\t0000008000201000");

    assertThat(Capabilities.parse(status))
        .containsExactlyInAnyOrder(
            Capability.CAP_NET_ADMIN, Capability.CAP_SYS_ADMIN, Capability.CAP_BPF);
  }

  @Test
  void takesSysAdminForBpfAsOlderKernelsDo() {
    var needed = Set.of(Capability.CAP_BPF, Capability.CAP_NET_ADMIN);

    assertThat(Capabilities.missing(needed, Set.of(Capability.CAP_SYS_ADMIN)))
        .containsExactly(Capability.CAP_NET_ADMIN);
    assertThat(Capabilities.missing(needed, Set.of())).containsExactlyInAnyOrderElementsOf(needed);
    assertThat(Capabilities.missing(Set.of(), Set.of())).isEmpty();
  }

  @Test
  @Tag("kernel")
  void findsThoseOfTheTestRun() {
    assertThat(Capabilities.missing(Set.of(Capability.CAP_SYS_ADMIN))).isEmpty();
  }
}
