package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchCommandTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          mtls        | is not executable: chmod +x makes it so
          connections | --peer-hbone measures between nodes, which --only leaves out: add mtls
          """)
  void aPeerThatCannotBeMeasuredIsAWrongArgument(
      String part, String sentence, @TempDir Path directory) throws Exception {
    Path text = Files.writeString(directory.resolve("peer"), "#!/bin/sh\n");
    StringWriter said = new StringWriter();

    int code =
        BenchCommand.commandLine()
            .setErr(new PrintWriter(said))
            .execute("--quick", "--only", part, "--peer-hbone", text.toString());

    assertThat(said.toString()).contains(sentence);
    assertThat(code).isEqualTo(2);
  }
}
