package io.sluice.linux.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNoException;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import java.nio.file.Path;
import java.time.LocalDate;
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

  @Test
  void readsMappings() {
    assertThat(
            Mapping.parse(
                List.of(
                    "800000000-800002000 r--p 01a20000 fe:00 5521521      /opt/my sluice/node.aot",
                    "Size:                  8 kB",
                    "Rss:                   4 kB",
                    "Anonymous:             1 kB",
                    "Swap:                  2 kB",
                    "SwapPss:               2 kB",
                    "VmFlags: rd mr mw me sd",
                    "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ",
                    "Rss:                   0 kB")))
        .containsExactly(
            new Mapping(
                0x8_0000_0000L, 0x2000, "r--p", "/opt/my sluice/node.aot", 4 * 1024, 3 * 1024),
            new Mapping(0x7f00_0000_0000L, 0x1000, "rw-p", "", 0, 0));
  }

  @Test
  void onlyWhatNobodyHasWrittenToIsAsInItsFile() {
    Mapping mapping = new Mapping(0x1000, 0x2000, "r--p", "/opt/node.aot", 0x2000, 0);

    assertThat(mapping.isAsInFile()).isTrue();
    assertThat(new Mapping(0x1000, 0x2000, "r--p", "/opt/node.aot", 0x2000, 1).isAsInFile())
        .isFalse();
    assertThat(new Mapping(0x1000, 0x2000, "rw-p", "/opt/node.aot", 0x2000, 0).isAsInFile())
        .isFalse();
    assertThat(new Mapping(0x1000, 0x2000, "r--p", "", 0x2000, 0).isAsInFile()).isFalse();
  }

  /** In a JVM of its own, which has the JDK's archive where it was prepared for, as daemons do. */
  @Test
  void classesWhosePagesAreReleasedCanBeUsed() throws Exception {
    Process released =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UnlockDiagnosticVMOptions",
                "-XX:ArchiveRelocationMode=0",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Released.class.getName())
            .redirectErrorStream(true)
            .start();

    assertThat(released.inputReader().readLine()).isEqualTo("released and went on in JANUARY");
    assertThat(released.waitFor()).isZero();
  }

  /** Says so, or what is wrong. */
  static final class Released {
    static void main() {
      long first = ProcessMemory.releasePreparedClasses();
      long second = ProcessMemory.releasePreparedClasses();
      System.out.println(
          first > MEBIBYTE && second < first
              ? "released and went on in " + LocalDate.EPOCH.getMonth()
              : "released " + first + " bytes, then " + second);
    }
  }
}
