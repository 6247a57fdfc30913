package io.sluice.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.sluice.mesh.MeshPorts;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What may not be in the repository, and what has to agree across its languages. */
class RepositoryHygieneTest {
  private static final Path MAP_HEADER = Path.of("bpf-programs", "src", "sluice_maps.h");

  private final SourceTree tree = SourceTree.around();

  /** Where packages come from is set on the machine that builds. Spelt in parts for this file. */
  private static Stream<String> forbiddenTexts() {
    return Stream.of(
        "repo1.maven" + ".org",
        "repo.maven.apache" + ".org",
        "deb.debian" + ".org",
        "registry.npmjs" + ".org",
        "/" + "work/");
  }

  @ParameterizedTest
  @MethodSource("forbiddenTexts")
  void namesNoRegistryHostAndNoPathOfOneMachine(String text) throws IOException {
    List<Path> tracked = tree.trackedFiles();
    assertThat(tracked).isNotEmpty();
    for (Path file : tracked) {
      // ISO 8859-1 maps each byte to one character, so binary files are searched as well.
      String content =
          new String(Files.readAllBytes(tree.root().resolve(file)), StandardCharsets.ISO_8859_1);
      assertThat(content.contains(text)).as("%s contains %s", file, text).isFalse();
    }
  }

  @Test
  void shellScriptsCanBeStarted() {
    List<Path> scripts =
        tree.trackedFiles().stream()
            .filter(file -> file.toString().endsWith(".sh") || tree.startsWithShebang(file))
            .toList();

    assertThat(scripts).contains(Path.of("sluice"), Path.of(".ci", "run"));
    assertThat(scripts).allSatisfy(file -> assertThat(tree.root().resolve(file)).isExecutable());
  }

  @Test
  void continuousIntegrationRunsWhatAContributorRuns() {
    List<String> commands =
        tree.read(Path.of(".ci", "run"))
            .lines()
            .filter(line -> !line.isBlank() && !line.startsWith("#"))
            .toList();

    assertThat(commands).last().isEqualTo("exec ./sluice test");
  }

  private static Stream<Arguments> sharedPorts() {
    return Stream.of(arguments("SLUICE_DNS_PORT", MeshPorts.DNS));
  }

  @ParameterizedTest
  @MethodSource("sharedPorts")
  void portsAgreeBetweenModelAndPrograms(String define, int port) {
    Pattern line = Pattern.compile("(?m)^#define[ \\t]+" + define + "[ \\t]+(\\d+)\\b");

    List<String> values =
        line.matcher(tree.read(MAP_HEADER)).results().map((MatchResult m) -> m.group(1)).toList();

    assertThat(values).as("%s in %s", define, MAP_HEADER).containsExactly(Integer.toString(port));
  }
}
