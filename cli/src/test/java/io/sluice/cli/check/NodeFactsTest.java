package io.sluice.cli.check;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class NodeFactsTest {
  @TempDir private Path folder;

  private String tool(String name, String script) throws Exception {
    Path file = folder.resolve(name);
    Files.writeString(file, "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    return file.toString();
  }

  /** As on a node whose kernel answers nobody about rules: a report is wanted there above all. */
  @Test
  void aToolThatHangsOrFailsCostsAWhileAndIsNamed() throws Exception {
    String well = tool("well", "echo '*nat'");
    String hanging = tool("hanging", "echo '*nat'; exec sleep 600");
    String failing = tool("failing", "echo 'no such table' >&2; exit 1");

    JsonNode rules =
        NodeFacts.rules(List.of(well, hanging, failing, "no-such-tool"), Duration.ofMillis(1_500));

    assertThat(rules.path(well).asText()).isEqualTo("*nat\n");
    assertThat(rules.path(hanging).asText()).startsWith("# no answer within ");
    assertThat(rules.path(failing).asText()).isEqualTo("# no such table\n");
    assertThat(rules.has("no-such-tool")).isFalse();
  }
}
