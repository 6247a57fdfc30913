package io.sluice.cli.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a process that was asked to end looks to who runs containers. */
class TerminationTest {
  @TempDir private Path home = Path.of("");

  /** Kubernetes calls a pod failed whose containers end with anything else. */
  @Test
  void controllerThatIsAskedToEndSucceeds() throws Exception {
    Path registry = Files.createDirectory(home.resolve("registry"));
    Process controller =
        started("control", "run", "--registry", registry.toString(), "--state", state());
    try {
      awaitLine(controller, "controller ready on port");

      controller.destroy();

      assertThat(controller.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(controller.exitValue()).isZero();
    } finally {
      controller.destroyForcibly();
    }
  }

  private String state() {
    return home.resolve("state").toString();
  }

  private static Process started(String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add("io.sluice.cli.SluiceCommand");
    command.addAll(List.of(arguments));
    command.addAll(List.of("--listen", "127.0.0.1:0", "--metrics-address", "off"));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static void awaitLine(Process process, String beginning) throws IOException {
    List<String> said = new ArrayList<>();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = lines.readLine();
    while (line != null && !line.startsWith(beginning)) {
      said.add(line);
      line = lines.readLine();
    }
    assertThat(line).as("what it said: %s", said).isNotNull();
  }
}
