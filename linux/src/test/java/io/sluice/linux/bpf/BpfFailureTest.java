package io.sluice.linux.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class BpfFailureTest {
  @Test
  void namesTheCapabilityForLockedMemoryOnlyWhereItIsLimited() {
    assertThat(BpfFailure.notPermitted(OptionalLong.of(65_536)))
        .contains("CAP_BPF", "CAP_NET_ADMIN", "CAP_SYS_RESOURCE", "65536 bytes");
    assertThat(BpfFailure.notPermitted(OptionalLong.empty()))
        .contains("CAP_BPF", "CAP_NET_ADMIN")
        .doesNotContain("CAP_SYS_RESOURCE");
  }
}
