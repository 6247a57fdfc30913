package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The page of commands is what the commands declare now. */
class CommandReferenceTest {
  private static final String WRITE = "reference.write";
  private static final String COMMAND =
      "mvn -Dquick -pl charts -am test -Dtest=CommandReferenceTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -D"
          + WRITE
          + "=true";
  private static final String MADE =
      "<!-- Made from the code. Do not edit; `" + COMMAND + "` writes it anew. -->\n\n";

  @Test
  void pageSaysWhatTheCommandsDeclare() throws IOException {
    String text = MADE + CommandReference.text();
    Path page = Chart.ROOT.resolve("docs/commands.md");
    if (Boolean.getBoolean(WRITE)) {
      Files.writeString(page, text);
    }

    assertThat(text).contains("\n## sluice install\n", "\n## sluice node run\n", "| `--mode ");
    assertThat(page).as("written by: %s", COMMAND).content().isEqualTo(text);
  }
}
