package io.sluice.linux.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class KeeperTest {
  @Test
  void processEndsWithItsKeeperHoweverThatEnds() throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Process keeper =
        new ProcessBuilder(
                "sh",
                "-c",
                "\"$0\" -Xshare:auto -XX:TieredStopAtLevel=1 -cp \"$1\" \"$2\" $$ & wait",
                java,
                System.getProperty("java.class.path"),
                Kept.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader out = keeper.inputReader()) {
      ProcessHandle kept = ProcessHandle.of(Long.parseLong(out.readLine())).orElseThrow();
      assertThat(kept.isAlive()).isTrue();

      keeper.destroyForcibly().waitFor();

      assertThat(kept.onExit().get(10, TimeUnit.SECONDS).isAlive()).isFalse();
    } finally {
      keeper.descendants().forEach(ProcessHandle::destroyForcibly);
      keeper.destroyForcibly();
    }
  }

  @Test
  void nobodyElseIsTakenForTheKeeper() throws Exception {
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Kept.class.getName(),
                "1")
            .redirectErrorStream(true)
            .start();

    assertThat(new String(other.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("process 1", "it has not started this process");
    assertThat(other.waitFor()).isNotZero();
  }
}
