package io.sluice.linux.capability;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.syscall.BpfAttempt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("kernel")
class FeatureProbeTest {
  private static final int NO_SUCH_PROGRAM_TYPE = 9999;

  private final FeatureProbe probe = new FeatureProbe();

  @ParameterizedTest
  @EnumSource
  void findsEachFeatureOnARecentKernel(KernelFeature feature) {
    assertThat(probe.probe(feature)).isEqualTo(new FeatureAnswer(feature, true, ""));
  }

  @Test
  void leavesNoDescriptorBehind() throws Exception {
    probe.probeAll();
    long before = openFiles();

    assertThat(probe.probeAll()).hasSize(KernelFeature.values().length);

    assertThat(openFiles()).isEqualTo(before);
  }

  @Test
  void getsARefusalForWhatNoKernelHas() {
    assertThat(BpfAttempt.load(NO_SUCH_PROGRAM_TYPE, 0, BpfAttempt.allow())).isNegative();
    assertThat(BpfAttempt.load(30, 36, BpfAttempt.callWithContext(122)))
        .as("sk_lookup programs may not ask for the namespace cookie")
        .isNegative();
  }

  private static long openFiles() throws IOException {
    try (var files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    }
  }
}
