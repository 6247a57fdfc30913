package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What docs/install.md says beside the table of values. */
@ResourceLock("KUBECONFIG")
class InstallDocumentTest {
  @RegisterExtension final LookedUp cluster = new LookedUp();

  private static String document() throws IOException {
    return Files.readString(Chart.ROOT.resolve("docs/install.md"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"edge-tiny", "edge", "default"})
  void memoryOfEachSizeIsThatOfTheChart(String size) throws IOException {
    Objects objects = Chart.asItComes().with("size: " + size).objects();

    assertThat(document())
        .contains(
            "| `%s` | %s | %s | "
                .formatted(size, memory(objects.node()), memory(objects.controller())));
  }

  /** Heap and limit. */
  private static String memory(Container container) {
    String heap =
        container.getEnv().stream()
            .filter(each -> each.getName().equals("JDK_JAVA_OPTIONS"))
            .map(EnvVar::getValue)
            .findFirst()
            .orElseThrow()
            .replaceAll("-Xmx(\\d+)m .*", "$1");
    String limit = String.valueOf(container.getResources().getLimits().get("memory"));
    return heap + " MiB, " + limit.replace("Mi", "") + " MiB";
  }

  @Test
  void commandsThatNeedAClusterAreNoneThatAnybodyRuns() throws IOException {
    assertThat(document()).contains("```console").doesNotContain("```sh");
  }

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "docs/install.md"})
  void commandsOfTheChartTakeTheArgumentsThatAreWritten(String page) throws IOException {
    assertThat(Files.readAllLines(Chart.ROOT.resolve(page)))
        .filteredOn(line -> line.matches("\\./sluice (install|upgrade|uninstall)( .*)?"))
        .isNotEmpty()
        .allSatisfy(line ->
            ChartCommand.commandLine().parseArgs(line.substring("./sluice ".length()).split(" ")));
  }
}
