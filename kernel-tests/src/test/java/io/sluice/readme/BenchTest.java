package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.architecture.SourceTree;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The measurements between nodes, as anybody starts them; values are not judged. */
@Tag("kernel")
class BenchTest {
  private static final Duration PATIENCE = Duration.ofMinutes(6); // the bench ends itself earlier
  private static final List<String> CROSSINGS =
      List.of("direct", "mutual_tls", "plaintext", "haproxy");

  @TempDir private Path directory = Path.of("");

  @Test
  void everyWayBetweenNodesIsMeasuredInEveryRoundAndNothingIsLeft() throws Exception {
    Path result = directory.resolve("result.json");
    Path output = directory.resolve("output");
    Process bench =
        new ProcessBuilder(
                SourceTree.around().root().resolve("sluice").toString(),
                "bench",
                "--quick",
                "--only",
                "mtls",
                "--json",
                result.toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = bench.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    if (!ended) {
      bench.destroy();
    }
    assertThat(ended && bench.exitValue() == 0).as(Files.readString(output)).isTrue();

    JsonNode rates = rates(new ObjectMapper().readTree(result.toFile()));
    for (String crossing : CROSSINGS) {
      assertThat(rates.path(crossing)).as(crossing).hasSize(3).allMatch(rate -> rate.asInt() > 0);
    }
    String run = "slxbench-" + bench.pid();
    assertThat(Path.of("/run", run)).doesNotExist();
    assertThat(Path.of("/sys/fs/bpf/sluice", run + "-10")).doesNotExist();
    try (var namespaces = Files.list(Path.of("/run/netns"))) {
      assertThat(namespaces.map(Path::toString)).noneMatch(path -> path.contains(run + "-"));
    }
  }

  private static JsonNode rates(JsonNode result) {
    for (JsonNode comparison : result.path("comparisons")) {
      if (comparison.path("id").asText().equals("mtls.connections")) {
        return comparison;
      }
    }
    throw new AssertionError("new connections were not measured: " + result);
  }
}
