package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessUseTest {
  @Test
  void aMachineIsBusyUnlessItIsIdleWaitsForADiskOrIsNotLetRun() throws IOException {
    String stat =
        """
        cpu  1000 20 300 50000 600 7 40 900 5 6
        cpu0 1 1 1 1 1 1 1 1 1 1
        intr 5
        """;
    assertThat(ProcessUse.machineCpuSeconds(stat)).isEqualTo(13.67);
  }

  @Test
  void thisMachineWorksWhileItIsAsked() throws IOException {
    double before = ProcessUse.machineCpuSeconds();
    assertThat(before).isPositive();
    assertThat(ProcessUse.machineCpuSeconds()).isGreaterThanOrEqualTo(before);
  }

  @Test
  void whatDoesNotBeginWithTheSumIsRefused() {
    assertThatThrownBy(() -> ProcessUse.machineCpuSeconds("cpu0 1 2 3 4 5 6 7\n"))
        .hasMessageContaining("cpu0");
  }

  @Test
  void aHopThatDividesItsWorkIsCountedWithAllOfIt() throws Exception {
    Process parent = new ProcessBuilder("sh", "-c", "sleep 60 & echo; wait").start();
    try {
      assertThat(parent.getInputStream().read()).isEqualTo('\n');
      ProcessUse use = ProcessUse.withChildren(List.of(parent.toHandle()));
      assertThat(use.hops()).hasSize(1);
      assertThat(use.hops().getFirst()).hasSize(2).startsWith(parent.pid());
      assertThat(use.eachCpuSeconds()).hasSize(1);
    } finally {
      parent.descendants().forEach(ProcessHandle::destroyForcibly);
      parent.destroyForcibly();
    }
  }
}
