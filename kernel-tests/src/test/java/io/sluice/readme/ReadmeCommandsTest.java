package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.OneAtATime;
import io.sluice.readme.MarkdownPage.Block;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * Runs the README's shell blocks in their order. {@code ./sluice test} is left out, since it is
 * what runs this; the pod of the YAML block gets a namespace, so that there is something to look
 * at. The CNI plugin goes into directories of the test's own, never into those of this machine.
 */
@ResourceLock(OneAtATime.DEMO)
@Tag("kernel")
class ReadmeCommandsTest {
  private static final String NODE = "edge1";

  private static final String CONF_DIR = "/etc/cni/net.d";
  private static final String OURS = "00-00-sluice.conflist";
  private static final String RESCUE = "rm -f " + CONF_DIR + "/" + OURS;

  private static final List<String> DEMO_STEPS =
      List.of(
          "Books by HTTP",
          "TrafficSplit 90/10",
          "40 calls, one HTTP/2 connection",
          "a WebSocket",
          "proxy = what the demo did");

  private static final List<String> COMMANDS = new ArrayList<>();
  private static String manifest = "";

  @TempDir static Path directory = Path.of("");

  @BeforeAll
  static void readBlocks() throws Exception {
    for (Block block : MarkdownPage.of(SourceTree.around(), Path.of("README.md")).blocks()) {
      if (block.language().equals("yaml")) {
        manifest = block.text();
      } else if (block.language().equals("sh")) {
        COMMANDS.addAll(block.commands());
      }
    }
    execute(List.of("ip", "netns", "add", "buyer"));
    execute(List.of("ip", "-n", "buyer", "link", "set", "lo", "up"));
  }

  @AfterAll
  static void removeNamespace() throws Exception {
    execute(List.of("ip", "netns", "del", "buyer"));
  }

  @Test
  void runsEveryCommandOfTheReadme() throws Exception {
    assertThat(COMMANDS)
        .allMatch(command -> command.startsWith("./sluice ") || command.equals(RESCUE));
    assertThat(COMMANDS)
        .contains("./sluice demo", "./sluice test", "./sluice node cni uninstall", RESCUE);
    Path ours = makeNetwork().resolve(OURS);
    assertThat(manifest).contains("sluice.io/netns: buyer");
    Path registry = Files.createDirectory(directory.resolve("registry"));
    Files.writeString(registry.resolve("buyer.yaml"), manifest);
    Process daemon = null;
    Process controller = null;
    try {
      for (String command : COMMANDS) {
        if (command.startsWith("./sluice node run ")) {
          daemon = startDaemon(command, registry);
        } else if (command.startsWith("./sluice control run ")) {
          controller = startController(command, registry);
        } else if (command.equals("./sluice node cni uninstall")) {
          Commands.stop(daemon);
          daemon = null;
          assertThat(ours).exists();
          execute(words(command));
          assertThat(ours).doesNotExist();
        } else if (command.equals(RESCUE)) {
          Files.writeString(ours, "{}");
          execute(List.of("rm", "-f", ours.toString()));
          assertThat(ours).doesNotExist();
        } else if (command.startsWith("./sluice node cleanup ")) {
          assertThat(execute(words(command))).contains("no trace");
        } else if (command.equals("./sluice demo")) {
          assertThat(execute(words(command))).contains(DEMO_STEPS).contains("all as expected");
        } else if (!command.equals("./sluice test")) {
          execute(words(command));
        }
      }
    } finally {
      Commands.stop(controller);
      Commands.stop(daemon);
      output("./sluice node cleanup --node-name " + NODE);
    }
  }

  /** The network that the plugin is chained behind; where configurations are. */
  private static Path makeNetwork() throws IOException {
    Path configurations = Files.createDirectory(directory.resolve("net.d"));
    Files.createDirectory(directory.resolve("bin"));
    Files.writeString(
        configurations.resolve("10-pods.conflist"),
        """
        {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge"}]}
        """);
    return configurations;
  }

  private static List<String> cniDirectories() {
    return List.of(
        "--cni-conf-dir",
        directory.resolve("net.d").toString(),
        "--cni-bin-dir",
        directory.resolve("bin").toString());
  }

  private static Process startDaemon(String command, Path registry) throws Exception {
    List<String> words = words(command.replace("DIR", registry.toString()));
    words.addAll(List.of("--state", directory.resolve("state").toString()));
    words.addAll(List.of("--metrics-address", "127.0.0.1:0", "--cni"));
    words.addAll(cniDirectories());
    return Commands.start(
        words,
        "the daemon enrols the pod",
        () -> output("./sluice node pods").contains("enrolled"));
  }

  private static Process startController(String command, Path registry) throws Exception {
    List<String> words = words(command.replace("DIR", registry.toString()));
    words.addAll(List.of("--listen", "127.0.0.1:0"));
    return Commands.start(
        words,
        "the controller starts",
        () -> !output("./sluice control status --state STATE").isEmpty());
  }

  /** The words of a command; one that asks a daemon means the README's, whatever else runs here. */
  private static List<String> words(String command) {
    List<String> words = new ArrayList<>(List.of(command.split(" +")));
    words.replaceAll(
        word -> word.equals("STATE") ? directory.resolve("controller").toString() : word);
    boolean asksDaemon = words.get(1).equals("node") && !words.get(2).equals("capabilities");
    if (asksDaemon && !words.contains("--node-name")) {
      words.addAll(List.of("--node-name", NODE));
    }
    if (words.containsAll(List.of("node", "cni"))) {
      words.addAll(cniDirectories());
    }
    return words;
  }

  private static String execute(List<String> words) throws IOException, InterruptedException {
    return new Commands(directory).execute(words);
  }

  private static String output(String command) {
    try {
      return new Commands(directory).outputIfItWorks(words(command));
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(command, e);
    }
  }
}
