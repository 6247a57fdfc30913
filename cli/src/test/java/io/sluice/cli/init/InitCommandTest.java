package io.sluice.cli.init;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.SluiceCommand;
import io.sluice.cli.output.ExitCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InitCommandTest {
  @TempDir private Path directory = Path.of("");
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... words) {
    return SluiceCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(words);
  }

  @Test
  void whatItWritesIsAMeshWithoutAFaultAndAUnitThatRunsIt() throws IOException {
    Path mesh = directory.resolve("new").resolve("mesh");

    assertThat(run("init", mesh.toString())).isZero();
    assertThat(out.toString()).contains("sh " + mesh + "/network.sh up", "node pods --wait");
    assertThat(Files.readString(mesh.resolve("sluice.service")))
        .contains("node run --registry " + mesh + " --standalone");

    assertThat(run("validate", mesh.toString())).isZero();
    assertThat(out.toString()).contains("0 errors, 0 warnings");
  }

  @ParameterizedTest
  @ValueSource(strings = {"my mesh", "%n", "$(id)", "a;b", "it's"})
  void aNameThatAShellOrAUnitReadsOtherwiseIsRefused(String name) {
    assertThat(run("init", directory.resolve(name).toString())).isEqualTo(ExitCode.USAGE.code());

    assertThat(err.toString()).contains("which read some characters as their own");
    assertThat(directory.resolve(name)).doesNotExist();
  }

  @Test
  void aFolderWithSomethingInItIsLeftAlone() throws IOException {
    Path other = Files.writeString(directory.resolve("mesh.yaml"), "mine");

    assertThat(run("init", directory.toString())).isEqualTo(ExitCode.USAGE.code());

    assertThat(err.toString()).contains("is not empty");
    assertThat(directory).isDirectoryContaining(other::equals);
    assertThat(other).hasContent("mine");
  }
}
