package io.sluice.linux.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.capability.Capabilities;
import io.sluice.linux.capability.Capability;
import java.util.List;
import org.junit.jupiter.api.Tag;
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
  @Tag("kernel")
  void liftsTheLimitOfLockedMemoryOrSaysWhatIsMissing() {
    if (Capabilities.effective().contains(Capability.CAP_SYS_RESOURCE)) {
      ProcessMemory.unlimitLockedMemory();
    } else {
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(ProcessMemory::unlimitLockedMemory)
          .satisfies(e -> {
            assertThat(e.errno()).isEqualTo(Errno.EPERM);
            assertThat(e.hint()).contains("CAP_SYS_RESOURCE");
          });
    }
  }
}
