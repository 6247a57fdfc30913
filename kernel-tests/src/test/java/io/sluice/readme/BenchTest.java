package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.architecture.SourceTree;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Measurements as anybody starts them; times are not judged. */
@Tag("kernel")
class BenchTest {
  /** Debian's, which has hyper-h2; another Python in the path does not. */
  private static final String PYTHON = "/usr/bin/python3";

  private static final Duration PATIENCE = Duration.ofMinutes(9); // three minutes as a rule
  private static final List<String> CROSSINGS =
      List.of("direct", "mutual_tls", "plaintext", "haproxy", "nginx", "hbone");

  @TempDir private Path directory = Path.of("");

  @Test
  void anIdleDaemonIsMeasuredAndNothingIsLeft() throws Exception {
    Bench bench = bench("idle");

    for (String figure : List.of("idle.rss", "idle.pss")) {
      assertThat(line(bench.result(), "figures", figure).path("meshed").asDouble())
          .as(figure)
          .isPositive();
    }
    assertNothingIsLeft(bench.pid());
  }

  /** Alone, for it loads the whole machine for a minute. */
  @Test
  @Tag("long")
  @ResourceLock(Resources.GLOBAL)
  void everyWayBetweenNodesIsMeasuredAndNothingIsLeft() throws Exception {
    Bench bench =
        bench("mtls,connections", "--peers", "--peer-hbone", script("exec SPEAKER").toString());

    JsonNode rates = line(bench.result(), "comparisons", "mtls.connections.rate");
    for (String crossing : CROSSINGS) {
      boolean needsMesh = crossing.equals("mutual_tls") || crossing.equals("plaintext");
      assertThat(rates.path(crossing))
          .as("%s: once with the mesh, otherwise before and after it", crossing)
          .hasSize(needsMesh ? 1 : 2)
          .allSatisfy(take -> assertThat(take).isNotEmpty().allMatch(rate -> rate.asInt() > 0));
    }
    assertNothingIsLeft(bench.pid());
  }

  private void assertNothingIsLeft(long pid) throws IOException {
    String run = "slxbench-" + pid;
    assertThat(Path.of("/run", run)).doesNotExist();
    for (String directory : List.of("/sys/fs/bpf/sluice", "/run/netns")) {
      Path present = Path.of(directory);
      if (Files.exists(present)) { // not where nobody else has anything there
        try (var left = Files.list(present)) {
          assertThat(left.map(Path::toString)).noneMatch(path -> path.contains(run));
        }
      }
    }
    assertThat(ProcessHandle.allProcesses().map(ProcessHandle::pid).map(BenchTest::commandLine))
        .as("no peer runs on")
        .noneMatch(line -> line.contains(directory + "/hbone_peer.py"));
  }

  private static String commandLine(long pid) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"));
    } catch (IOException e) {
      return ""; // it has ended meanwhile
    }
  }

  @Test
  void aPeerWithoutMutualTlsEndsTheRunWithASentence() throws Exception {
    assertEndsTheRun("CERTIFICATES-OPTIONAL", "server speaks with who shows no certificate");
  }

  @Tag("long")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          echo gone; exit 3             | has ended with exit code 3; it printed: gone
          exec sleep 600                | server does not listen on port 15008, as HBONE_LISTEN asks
          exec timeout 9 SPEAKER        | has ended with exit code 124
          FORWARDS-ELSEWHERE            | client does not bring a byte to the echo server, port 7001
          """)
  void aPeerThatDoesNotDoItsPartEndsTheRunWithASentence(String script, String sentence)
      throws Exception {
    assertEndsTheRun(script, sentence);
  }

  private void assertEndsTheRun(String script, String sentence) throws Exception {
    Path peer =
        script(
            switch (script) {
              case "FORWARDS-ELSEWHERE" ->
                  "export HBONE_FORWARDS=$(echo \"$HBONE_FORWARDS\" |"
                      + " sed 's/:7\\([0-9]*\\)\\b/:6\\1/g')\nexec SPEAKER";
              case "CERTIFICATES-OPTIONAL" ->
                  "export HBONE_TEST_CERTIFICATES=optional\nexec SPEAKER";
              default -> script;
            });

    Ended ended = run("mtls", "--peer-hbone", peer.toString()); // nothing on one node before it

    assertThat(ended.output()).contains("sluice: " + peer, sentence);
    assertThat(ended.code()).isEqualTo(1);
    assertNothingIsLeft(ended.pid());
  }

  /** A script in which SPEAKER is a program that speaks HBONE. */
  private Path script(String text) throws IOException {
    Path speaker = directory.resolve("hbone_peer.py");
    try (InputStream resource = BenchTest.class.getResourceAsStream("hbone_peer.py")) {
      assertThat(resource).isNotNull();
      Files.copy(resource, speaker);
    }
    Path script = directory.resolve("peer.sh");
    String speaks = PYTHON + " " + speaker + " \"$1\"";
    Files.writeString(script, "#!/bin/sh\n" + text.replace("SPEAKER", speaks) + "\n");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    return script;
  }

  @Test
  @Tag("long")
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

  @Test
  @Tag("long")
  void aNodeThatGrowsIsMeasuredAndNothingIsLeft() throws Exception {
    Bench bench = bench("scale");

    for (String measured : List.of("start", "rss", "change.given", "change.taken")) {
      JsonNode line = line(bench.result(), "growths", "scale." + measured);
      assertThat(List.of(line.path("5"), line.path("15")))
          .as(measured)
          .allSatisfy(values -> assertThat(values.path(0).asDouble()).isPositive());
    }
    assertNothingIsLeft(bench.pid());
  }

  /** One that has ended well. */
  private record Bench(long pid, JsonNode result) {}

  private Bench bench(String part, String... options) throws Exception {
    Path result = directory.resolve("result.json");
    List<String> all = new ArrayList<>(List.of("--json", result.toString()));
    all.addAll(List.of(options));
    Ended ended = run(part, all.toArray(String[]::new));
    assertThat(ended.code()).as(ended.output()).isZero();
    return new Bench(ended.pid(), new ObjectMapper().readTree(result.toFile()));
  }

  private record Ended(long pid, int code, String output) {}

  private Ended run(String part, String... options) throws Exception {
    Path output = directory.resolve("output");
    List<String> command =
        new ArrayList<>(
            List.of(
                SourceTree.around().root().resolve("sluice").toString(),
                "bench",
                "--quick",
                "--only",
                part));
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
    assertThat(ended).as(Files.readString(output)).isTrue();
    return new Ended(bench.pid(), bench.exitValue(), Files.readString(output));
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
