package io.sluice.readme;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.sluice.architecture.SourceTree;
import io.sluice.cli.SluiceCommand;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.objects.MeshKey;
import io.sluice.control.objects.ReadableKind;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Finding.Level;
import io.sluice.control.validate.Validation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** What {@code docs/migration.md} says of settings of other meshes is what the readers do. */
class MigrationPageTest {
  private static final SourceTree TREE = SourceTree.around();
  private static final MarkdownPage PAGE = MarkdownPage.of(TREE, Path.of("docs", "migration.md"));

  /** What a field may hold: a switch, a list, a word, a time, a number. */
  private static final List<String> VALUES =
      List.of(
          "true",
          "false",
          "[]",
          "STRICT",
          "required",
          "30m",
          "KEEP",
          "PodIP",
          "CLEAR",
          "60",
          "TLSv1_3",
          "warn",
          "{subjectAltNames: [a.b.cluster.local], secret: {name: a, namespace: b}}");

  private static final String NO_FIELDS_VALUE = "{surely: [not, this]}";

  private static Stream<List<String>> fields() {
    return PAGE.rows("MeshConfig").stream();
  }

  @ParameterizedTest
  @MethodSource("fields")
  void fieldsOfTheMeshConfigAreReadOrWarnedOf(List<String> row) {
    String field = MarkdownPage.code(row.get(0)).getFirst();
    switch (row.get(1)) {
      case "honoured" -> {
        assertThat(VALUES).anyMatch(value -> findings(field, value).isEmpty());
        assertThat(findings(field, NO_FIELDS_VALUE))
            .as("it is read, so nonsense is refused")
            .anyMatch(finding -> finding.level() == Level.ERROR && !isUnknown(finding));
      }
      case "warned" ->
          assertThat(findings(field, "true"))
              .singleElement()
              .satisfies(finding -> {
                assertThat(finding.level()).isEqualTo(Level.WARNING);
                assertThat(finding.sentence()).contains("not enforced").contains(field);
              });
      default -> throw new AssertionError("no state of a field: " + row);
    }
  }

  private static boolean isUnknown(Finding finding) {
    return finding.reason().contains("known");
  }

  private static List<Finding> findings(String field, String value) {
    String yaml = value;
    for (String name : Arrays.asList(field.split("\\.")).reversed()) {
      yaml = "{" + name + ": " + yaml + "}";
    }
    String manifest =
        """
        apiVersion: config.openservicemesh.io/v1alpha2
        kind: MeshConfig
        metadata: {name: osm-mesh-config, namespace: osm-system}
        """
            + yaml.substring(1, yaml.length() - 1)
            + "\n";
    return Validation.ofObjects("mesh.yaml", manifest.getBytes(UTF_8), CompilerSettings.USUAL)
        .findings();
  }

  private static Stream<List<String>> keys() {
    return PAGE.rows("Labels and annotations").stream();
  }

  @ParameterizedTest
  @MethodSource("keys")
  void labelsAndAnnotationsAreDeclaredAsTheyAreSaidToBe(List<String> row) {
    String key = MarkdownPage.code(row.get(0)).getFirst();
    List<MeshKey> declared =
        Arrays.stream(MeshKey.values()).filter(each -> each.keys().contains(key)).toList();
    switch (row.get(1)) {
      case "honoured" -> assertThat(declared).singleElement().matches(MeshKey::isEnforced);
      case "warned" -> assertThat(declared).singleElement().matches(each -> !each.isEnforced());
      case "not read" -> assertThat(declared).isEmpty();
      default -> throw new AssertionError("no state of a key: " + row);
    }
  }

  private static Stream<List<String>> kinds() {
    return PAGE.rows("Kinds").stream();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void kindsAreReadOrNotAsTheyAreSaidToBe(List<String> row) {
    String kind = MarkdownPage.code(row.get(0)).getFirst();
    String version = MarkdownPage.code(row.get(1)).getFirst();
    boolean isRead =
        Arrays.stream(ReadableKind.values())
            .filter(each -> each.kind().equals(kind))
            .flatMap(each -> each.versions().stream().map(one -> each.group() + "/" + one))
            .anyMatch(version::equals);
    boolean isUsed =
        findingsOfEmpty(version, kind).stream()
            .noneMatch(finding -> finding.reason().contains("not enforced"));
    switch (row.get(2)) {
      case "honoured" -> assertThat(isRead && isUsed).isTrue();
      case "warned" -> assertThat(isRead && !isUsed).isTrue();
      case "not read" -> assertThat(isRead).isFalse();
      default -> throw new AssertionError("no state of a kind: " + row);
    }
  }

  private static List<Finding> findingsOfEmpty(String version, String kind) {
    String manifest = "apiVersion: %s\nkind: %s\nmetadata: {name: a}\n".formatted(version, kind);
    return Validation.ofObjects("object.yaml", manifest.getBytes(UTF_8), CompilerSettings.USUAL)
        .findings();
  }

  /** A kind that nobody has installed is an error of kubectl, which ends a call for several. */
  @Test
  void kindsThatAreNotInstalledKeepNoOthersFromBeingSaved(@TempDir Path folder) throws Exception {
    Path kubectl = folder.resolve("kubectl");
    Files.writeString(
        kubectl, "#!/bin/sh\ncase $2 in *egresses*) exit 1;; esac; echo \"kind: $2\"\n");
    Files.setPosixFilePermissions(kubectl, PosixFilePermissions.fromString("rwx------"));
    String saves =
        PAGE.blocks().stream()
            .flatMap(block -> block.commands().stream())
            .filter(command -> command.endsWith("> mesh.yaml"))
            .findFirst()
            .orElseThrow();

    ProcessBuilder shell = new ProcessBuilder("sh", "-c", "PATH=$PWD:$PATH; " + saves);
    assertThat(shell.directory(folder.toFile()).start().waitFor()).isZero();

    assertThat(Files.readString(folder.resolve("mesh.yaml")))
        .contains("kind: traffictargets\n---\n", "kind: isolations\n---\n")
        .doesNotContain("egresses");
  }

  @Test
  void commandsThatAreNotThereAreNotThere() {
    CommandLine line = new CommandLine(SluiceCommand.class);

    assertThat(PAGE.rows("Commands"))
        .filteredOn(row -> row.get(1).startsWith("–"))
        .flatExtracting(row -> MarkdownPage.code(row.get(0)))
        .hasSizeGreaterThan(5)
        .allSatisfy(command ->
            assertThat(line.getSubcommands()).doesNotContainKey(command.replace("osm ", "")));
  }

  @Test
  void commandsThatTakeTheirPlaceAreThere() {
    assertThat(PAGE.rows("Commands"))
        .flatExtracting(row -> MarkdownPage.code(row.get(1)))
        .filteredOn(code -> code.startsWith("sluice "))
        .hasSizeGreaterThan(3)
        .allSatisfy(command -> {
          String[] words = (command.replace("sluice ", "") + " --help").split(" ");
          assertThatCode(() -> new CommandLine(SluiceCommand.class).parseArgs(words))
              .as(command)
              .doesNotThrowAnyException();
        });
  }

  @Test
  void metricsThatStandInForOthersAreServed() {
    String metrics = TREE.read(Path.of("docs", "reference", "metrics.md"));
    Stream<String> named =
        PAGE.rows("Metrics, ports, certificates").stream()
            .flatMap(row -> MarkdownPage.code(row.get(1)).stream())
            .filter(code -> code.matches("(sluice|osm)_.*"));

    assertThat(named).isNotEmpty().allSatisfy(name -> assertThat(metrics).contains("`" + name));
  }
}
