package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.architecture.SourceTree;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** Measurements as anybody starts them; times are not judged. */
@Isolated("it loads the whole machine for a minute")
@Tag("kernel")
class BenchTest {
  private static final Duration PATIENCE = Duration.ofMinutes(9); // the bench ends itself earlier
  private static final List<String> CROSSINGS =
      List.of("direct", "mutual_tls", "plaintext", "haproxy", "nginx");

  @TempDir private Path directory = Path.of("");

  @Test
  void everyWayBetweenNodesIsMeasuredAndNothingIsLeft() throws Exception {
    Bench bench = bench("mtls,connections", "--peers");

    JsonNode rates = line(bench.result(), "comparisons", "mtls.connections.rate");
    for (String crossing : CROSSINGS) {
      boolean needsMesh = crossing.equals("mutual_tls") || crossing.equals("plaintext");
      assertThat(rates.path(crossing))
          .as("%s: once with the mesh, otherwise before and after it", crossing)
          .hasSize(needsMesh ? 1 : 2)
          .allSatisfy(take -> assertThat(take).isNotEmpty().allMatch(rate -> rate.asInt() > 0));
    }
    String run = "slxbench-" + bench.pid();
    assertThat(Path.of("/run", run)).doesNotExist();
    assertThat(Path.of("/sys/fs/bpf/sluice", run + "-10")).doesNotExist();
    try (var namespaces = Files.list(Path.of("/run/netns"))) {
      assertThat(namespaces.map(Path::toString)).noneMatch(path -> path.contains(run));
    }
  }

  @Test
  void distributionIsMeasuredForEverySizeOfTheSite() throws Exception {
    Bench bench = bench("distribution");

    for (String change : List.of("given", "taken", "neighbour", "pod")) {
      JsonNode slowest = line(bench.result(), "growths", "distribution." + change + ".p99");
      assertThat(List.of(slowest.path("100"), slowest.path("300")))
          .as(change)
          .allSatisfy(millis -> assertThat(millis.path(0).asDouble()).isPositive());
    }
    JsonNode bytes = line(bench.result(), "growths", "distribution.permission.bytes");
    assertThat(bytes.path("300"))
        .as("a permission costs the same in a site of three times the size")
        .isEqualTo(bytes.path("100"));
    assertThat(Path.of("/run", "slxbench-" + bench.pid())).doesNotExist();
  }

  /** One that has ended well. */
  private record Bench(long pid, JsonNode result) {}

  private Bench bench(String part, String... options) throws Exception {
    Path result = directory.resolve("result.json");
    Path output = directory.resolve("output");
    List<String> command =
        new ArrayList<>(
            List.of(
                SourceTree.around().root().resolve("sluice").toString(),
                "bench",
                "--quick",
                "--only",
                part,
                "--json",
                result.toString()));
    command.addAll(List.of(options));
    Process bench =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = bench.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    if (!ended) {
      bench.destroy();
    }
    assertThat(ended && bench.exitValue() == 0).as(Files.readString(output)).isTrue();
    return new Bench(bench.pid(), new ObjectMapper().readTree(result.toFile()));
  }

  private static JsonNode line(JsonNode result, String list, String id) {
    for (JsonNode line : result.path(list)) {
      if (line.path("id").asText().equals(id)) {
        return line;
      }
    }
    throw new AssertionError(id + " was not measured: " + result);
  }
}
