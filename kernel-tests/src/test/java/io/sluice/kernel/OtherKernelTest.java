package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The oldest kernel that is supported boots in QEMU with the product inside, which also shows the
 * capabilities that this machine's kernel does not ask for; the whole matrix is {@code ./sluice
 * kernels}.
 */
@Tag("kernel")
@Tag("long")
class OtherKernelTest {
  private static final String OLDEST = "5.10";

  @Test
  void theOldestKernelTakesThePrograms(@TempDir Path results) throws IOException {
    String architecture = Commands.run("dpkg", "--print-architecture").strip();

    String output =
        Commands.run(
            "env",
            "JAVA_HOME=" + System.getProperty("java.home"),
            SourceTree.around().root().resolve("kernel-tests/kernels/run").toString(),
            "--built",
            "--table",
            "-",
            "--results",
            results.toString(),
            "--arch",
            architecture,
            "--kernel",
            OLDEST,
            "--mode",
            "auto");

    System.out.println(output);
    JsonNode result = onlyResult(results).path("result");
    assertThat(result.path("chosen").asText()).isEqualTo("ebpf");
    assertThat(result.path("refused_programs")).isEmpty();
    List<String> problems =
        result
            .path("checks")
            .valueStream()
            .map(check -> check.path("problem").asText())
            .filter(problem -> !problem.isEmpty())
            .toList();
    assertThat(result.path("checks").size()).as(output).isGreaterThan(20);
    assertThat(result.path("checks").valueStream().map(check -> check.path("name").asText()))
        .contains("the daemon without SYS_RESOURCE", "the daemon without NET_RAW");
    assertThat(problems).isEmpty();
  }

  private static JsonNode onlyResult(Path results) throws IOException {
    try (Stream<Path> files = Files.list(results)) {
      List<Path> all = files.toList();
      assertThat(all).hasSize(1);
      return new ObjectMapper().readTree(all.getFirst().toFile());
    }
  }
}
