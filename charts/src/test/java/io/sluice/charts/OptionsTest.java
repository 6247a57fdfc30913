package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The chart starts programs with options that they have. */
@ResourceLock("KUBECONFIG")
class OptionsTest {
  private static final Path CLI = Chart.ROOT.resolve("cli/src/main/java/io/sluice/cli");
  private static final Pattern OPTION = Pattern.compile("names = (?:\\{[^}]*)?\"(--[a-z-]+)\"");

  @RegisterExtension final LookedUp cluster = new LookedUp();

  static Stream<Chart> charts() {
    List<Chart> charts = new ArrayList<>();
    Stream.of(Presets.values()).map(Presets::chart).forEach(charts::add);
    Switches.all().stream().map(Switches.Switch::chart).forEach(charts::add);
    charts.add(Chart.asItComes().with("interception: {withoutPrograms: [sk_lookup]}"));
    charts.add(
        Chart.asItComes()
            .with("cni: {confDir: /a, binDirs: [/b, /c], systemNamespaces: [monitoring]}"));
    return charts.stream();
  }

  @ParameterizedTest
  @MethodSource("charts")
  void everyOptionIsOneOfItsCommand(Chart chart) {
    Objects objects = chart.objects();
    Set<String> node = options("node");
    Set<String> control = options("control");
    assertThat(node).contains("--mode", "--cni-bin-dir", "--without-program");
    assertThat(control).contains("--node-account");

    assertThat(given(objects.controller())).isNotEmpty().isSubsetOf(control);
    Stream.concat(
            objects.nodePod().getInitContainers().stream(),
            objects.nodePod().getContainers().stream())
        .forEach(each -> assertThat(given(each)).isSubsetOf(node));
  }

  private static Set<String> given(Container container) {
    Set<String> options = new TreeSet<>();
    container.getArgs().stream()
        .filter(argument -> argument.startsWith("--"))
        .map(argument -> argument.replaceFirst("=.*", ""))
        .forEach(options::add);
    return options;
  }

  /** By the sources: the command line brings the whole mesh onto the class path. */
  private static Set<String> options(String command) {
    Set<String> options = new TreeSet<>();
    try (Stream<Path> files = Files.list(CLI.resolve(command))) {
      for (Path file : files.toList()) {
        OPTION
            .matcher(Files.readString(file))
            .results()
            .map((MatchResult found) -> found.group(1))
            .forEach(options::add);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return options;
  }
}
