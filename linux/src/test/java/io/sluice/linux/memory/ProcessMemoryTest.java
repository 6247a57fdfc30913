package io.sluice.linux.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNoException;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessMemoryTest {
  private static final long MEBIBYTE = 1024 * 1024;

  @Test
  void readsKibibytes() {
    assertThat(ProcessMemory.parse(List.of("Name:\tjava", "VmRSS:\t   2048 kB"), "VmRSS:"))
        .isEqualTo(2 * MEBIBYTE);
    assertThat(ProcessMemory.parse(List.of("Name:\tkthreadd"), "VmRSS:")).isZero();
  }

  @Test
  void knowsItsOwnSize() {
    assertThat(ProcessMemory.residentBytes()).isGreaterThan(10 * MEBIBYTE);
    assertThat(ProcessMemory.residentBytes(ProcessHandle.current().pid()))
        .isGreaterThan(10 * MEBIBYTE);
    assertThat(ProcessMemory.proportionalBytes()).isGreaterThan(10 * MEBIBYTE);
    assertThat(ProcessMemory.proportionalBytes(ProcessHandle.current().pid()))
        .isGreaterThan(10 * MEBIBYTE);
  }

  @Test
  void saysThatAProcessHasGone() {
    assertThatExceptionOfType(LinuxException.class)
        .isThrownBy(() -> ProcessMemory.residentBytes(Integer.MAX_VALUE))
        .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH));
  }

  @Test
  void readsTheSoftLimitOfLockedMemory() {
    String other = "Max processes             39606                39606                processes ";

    assertThat(
            ProcessMemory.lockedLimit(
                List.of(
                    other,
                    "Max locked memory         65536                8388608              bytes     ")))
        .hasValue(65_536);
    assertThat(
            ProcessMemory.lockedLimit(
                List.of(
                    "Max locked memory         unlimited            unlimited            bytes")))
        .isEmpty();
    assertThatIllegalStateException()
        .isThrownBy(() -> ProcessMemory.lockedLimit(List.of(other)))
        .withMessageContaining("Max locked memory");
  }

  @Test
  void knowsItsOwnLimitOfLockedMemory() {
    assertThatNoException().isThrownBy(ProcessMemory::lockedLimitBytes);
  }
}
