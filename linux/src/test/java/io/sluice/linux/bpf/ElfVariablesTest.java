package io.sluice.linux.bpf;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.linux.bpf.BpfObject.ElfVariables;
import org.junit.jupiter.api.Test;

class ElfVariablesTest {
  @Test
  void refusesAFileThatIsCutShort() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ElfVariables.of(new byte[] {0x7F, 'E', 'L', 'F'}))
        .withMessageContaining("cut short");
  }
}
