package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.OneAtATime;
import io.sluice.readme.MarkdownPage.Block;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * Runs the {@code sh} blocks of the pages below {@code docs} that the README has not, with places
 * of the test's own.
 */
@ResourceLock(OneAtATime.DEMO)
@Order(6)
@Tag("kernel")
class DocumentCommandsTest {
  static final Path IDENTITY = Path.of("docs", "identity.md");
  static final Path CNI = Path.of("docs", "cni.md");
  static final Path MIGRATION = Path.of("docs", "migration.md");

  @TempDir private Path directory = Path.of("");

  /** Commands of the {@code sh} blocks, each in words, with {@code places} put in. */
  private static List<List<String>> commands(Path page, Map<String, Path> places) {
    List<List<String>> commands = new ArrayList<>();
    for (Block block : MarkdownPage.of(SourceTree.around(), page).blocks()) {
      if (block.language().equals("sh")) {
        for (String command : block.commands()) {
          List<String> words = new ArrayList<>(List.of(command.split(" +")));
          words.replaceAll(word -> places.containsKey(word) ? places.get(word).toString() : word);
          commands.add(words);
        }
      }
    }
    return commands;
  }

  @Test
  void theCommandsOfTheIdentityPageAreAmongThoseOfTheReadme() {
    List<List<String>> commands = commands(IDENTITY, Map.of("NAME", Path.of("edge1")));

    assertThat(commands).hasSize(2);
    assertThat(commands(Path.of("README.md"), Map.of())).containsAll(commands);
  }

  @Test
  void theRescueOfTheCniPageRemovesTheConfiguration() throws Exception {
    Path ours = Files.writeString(directory.resolve("00-00-sluice.conflist"), "{}");
    Path documented = Path.of("/etc/cni/net.d", ours.getFileName().toString());

    List<List<String>> commands = commands(CNI, Map.of(documented.toString(), ours));

    assertThat(commands).containsExactly(List.of("rm", "-f", ours.toString()));
    new Commands(directory).execute(commands.getFirst());
    assertThat(ours).doesNotExist();
  }

  @Test
  void manifestsOfAnotherMeshAreCheckedAsTheMigrationPageSays() throws Exception {
    Path manifests =
        Files.writeString(
            directory.resolve("mesh.yaml"),
            """
            apiVersion: v1
            kind: List
            items:
            - apiVersion: config.openservicemesh.io/v1alpha2
              kind: MeshConfig
              metadata: {name: osm-mesh-config, namespace: osm-system}
              spec:
                traffic: {enablePermissiveTrafficPolicyMode: false, enableEgress: true}
                observability: {fsmLogLevel: info}
            """);

    List<List<String>> commands = commands(MIGRATION, Map.of("mesh.yaml", manifests));

    assertThat(commands).hasSize(1);
    assertThat(new Commands(directory).execute(commands.getFirst()))
        .contains("spec.observability.fsmLogLevel: is not enforced yet", "0 errors, 1 warnings");
  }
}
