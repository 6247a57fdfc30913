package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.lab.site.Commands;
import io.sluice.lab.site.OneAtATime;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Images of architectures other than this machine's: one is emulated, others are refused. */
@ResourceLock(OneAtATime.CONTAINER_ENGINE)
@Tag("kernel")
class OtherArchitectureTest {
  @Test
  void theNodeImageOfTheOtherArchitectureBecomesReadyOnItsKernel() {
    boolean isAmd64 = Commands.run("dpkg", "--print-architecture").strip().equals("amd64");
    String other = isAmd64 ? "arm64" : "amd64";
    String machine = isAmd64 ? "aarch64" : "x86_64";

    String output = ImageArchive.make("--arch", other, "--image", "node", "--boot");

    System.out.println(output);
    assertThat(output)
        .containsPattern("(?m)^ready: architecture=" + machine + " mode=ebpf seconds=[0-9]+$");
  }

  @ParameterizedTest
  @CsvSource({
    "riscv64, no system calls of it",
    "loong64, Netty has no epoll for it",
    "s390x, amd64 or arm64"
  })
  void whatCannotBeMadeIsRefusedWithItsReason(String architecture, String reason) {
    assertThatThrownBy(() -> ImageArchive.make("--arch", architecture))
        .hasMessageContaining("no images for " + architecture)
        .hasMessageContaining(reason);
  }
}
