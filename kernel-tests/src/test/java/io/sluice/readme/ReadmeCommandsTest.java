package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import io.sluice.dashboard.DemoPage;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.OneAtATime;
import io.sluice.node.NodeCleanup;
import io.sluice.readme.MarkdownPage.Block;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * Runs the README's shell blocks in their order. {@code ./sluice test} is left out, since it is
 * what runs this. The CNI plugin goes into directories of the test's own, never into those of this
 * machine.
 */
@ResourceLock(OneAtATime.DEMO)
@Order(5)
@Tag("kernel")
class ReadmeCommandsTest {
  private static final String NODE = "edge1";

  private static final String CONF_DIR = "/etc/cni/net.d";
  private static final String OURS = "00-00-sluice.conflist";
  private static final String RESCUE = "rm -f " + CONF_DIR + "/" + OURS;

  private static final String SERVED = "ip netns exec shop-store curl -s http://127.0.0.1:8080/";

  /** Commands that only ask: their start is not the matter. */
  private static final Pattern ASKS =
      Pattern.compile(
          "\\./sluice (node (capabilities|events|maps|pods|cni status)|control (token"
              + " list|status))( .*)?");

  private static final List<String> DEMO_STEPS =
      List.of(
          "Books by HTTP",
          "TrafficSplit 90/10",
          "40 calls, one HTTP/2 connection",
          "a WebSocket",
          "proxy = what the demo did");

  private static final List<String> NODES_STEPS =
      List.of(
          "HTTP/2 to both nodes, split 50/50",
          "TLS records only; the canary was not heard",
          "a stranger in the clear is refused",
          "a new root under traffic",
          "the controller is killed");

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
  }

  @AfterAll
  static void removeNamespaces() {
    io.sluice.lab.site.Commands.deleteNamespaces(
        List.of("shop", "shop-buyer", "shop-thief", "shop-store"));
  }

  /** In a mount namespace, and so of names, of its own; all of it ends with that. */
  @Test
  void theShopsNetworkIsMadeAndTakenAwayFromAnyState() throws Exception {
    String script =
        """
        mount -t tmpfs none /run
        sh $0 down
        sh $0 up; sh $0 up
        ip netns delete shop-thief; sh $0 up
        ip netns delete shop; sh $0 up
        umount /run/netns/shop-store; sh $0 up
        ip -n shop-buyer route get 10.85.255.1; ip -n shop link show store
        ip netns delete shop-buyer; sh $0 down
        ls /run/netns
        echo left nothing
        """;
    String network = SourceTree.around().root().resolve("examples/shop/network.sh").toString();

    assertThat(execute(List.of("unshare", "--mount", "sh", "-euc", script, network)))
        .contains("via 10.85.0.1", "master bridge")
        .endsWith("left nothing\n");
  }

  @Test
  void runsEveryCommandOfTheReadme() throws Exception {
    assertThat(COMMANDS)
        .allMatch(command ->
            Stream.of("./sluice ", "sh DIR/network.sh ", "ip netns exec shop-")
                    .anyMatch(command::startsWith)
                || command.equals(RESCUE));
    assertThat(COMMANDS)
        .contains("./sluice demo", "./sluice test", "./sluice node cni uninstall", RESCUE);
    Path ours = makeNetwork().resolve(OURS);
    assertThat(SourceTree.around().read(Path.of("examples", "shop", "pods.yaml")))
        .contains(manifest.replaceAll(" +#.*", ""));
    Process daemon = null;
    Process controller = null;
    Process store = null;
    try {
      for (String command : COMMANDS) {
        if (command.startsWith("./sluice node run ")) {
          daemon = startDaemon(command);
        } else if (command.startsWith("./sluice control run ")) {
          controller = startController(command);
        } else if (command.startsWith("ip netns exec shop-store ")) {
          store =
              Commands.start(words(command), "the store serves", () -> !output(SERVED).isEmpty());
        } else if (command.startsWith("ip netns exec shop-buyer ")) {
          assertThat(execute(words(command))).startsWith("HTTP/1.1 200");
        } else if (command.startsWith("ip netns exec shop-thief ")) {
          assertThat(output(command)).isEmpty();
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
        } else if (command.equals("./sluice node status")) {
          assertThat(execute(words(command)))
              .containsPattern("certificatesValid +3")
              .doesNotContain("without certificate");
        } else if (command.startsWith("./sluice control token --state")) {
          assertThat(execute(words(command))).contains("sluice-join.");
        } else if (command.equals("./sluice node cleanup")) {
          assertThat(execute(words(command)))
              .contains("no trace in the kernel", "state stays (", "identity");
        } else if (command.equals("./sluice demo")) {
          assertThat(execute(words(command))).contains(DEMO_STEPS).contains("all as expected");
        } else if (command.equals("./sluice demo --nodes 2")) {
          assertKeptAndStopped(command);
        } else if (!command.equals("./sluice test")) {
          execute(words(command));
        }
      }
    } finally {
      Commands.stop(store);
      Commands.stop(controller);
      Commands.stop(daemon);
      NodeCleanup.removeAll(NODE);
    }
  }

  /** It goes on when the terminal is closed that it was started on, and has a page. */
  private static void assertKeptAndStopped(String demo) throws Exception {
    String name = " --node-name readme-" + ProcessHandle.current().pid();
    String stopped;
    try {
      String said = execute(List.of("script", "-qec", demo + " --keep" + name, "/dev/null"));
      assertThat(said).contains(NODES_STEPS).contains("all as expected");
      Matcher page = Pattern.compile(DemoPage.ADDRESS).matcher(said);
      assertThat(page.find()).as(said).isTrue();
      DemoPage.assertMeshShown(page.group(), directory.resolve("browser"));
    } finally {
      stopped = execute(words("./sluice demo --stop" + name));
    }
    assertThat(stopped).contains("has left nothing behind");
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

  private static Process startDaemon(String command) throws Exception {
    List<String> words = words(command);
    words.addAll(List.of("--state", directory.resolve("state").toString()));
    words.addAll(List.of("--metrics-address", "127.0.0.1:0", "--cni"));
    words.addAll(cniDirectories());
    return Commands.start(
        words,
        "the daemon enrols the pod",
        () -> JavaCommand.here("node", "pods", "--node-name", NODE).contains("enrolled"));
  }

  private static Process startController(String command) throws Exception {
    List<String> words = words(command);
    words.addAll(List.of("--listen", "127.0.0.1:0"));
    return Commands.start(
        words,
        "the controller starts",
        () -> !JavaCommand.here("control", "status", "--state", controllerState()).isEmpty());
  }

  private static String controllerState() {
    return directory.resolve("controller").toString();
  }

  /** The words of a command; one that asks a daemon means the README's, whatever else runs here. */
  private static List<String> words(String command) {
    List<String> words =
        new ArrayList<>(
            List.of(
                command
                    .replaceFirst(" &$", "") // a test waits for none anyway
                    .replace("DIR", directory.resolve("mesh").toString())
                    .split(" +")));
    words.replaceAll(word -> word.equals("STATE") ? controllerState() : word);
    boolean asksDaemon =
        words.getFirst().equals("./sluice")
            && words.get(1).equals("node")
            && !words.get(2).equals("capabilities");
    if (asksDaemon && !words.contains("--node-name")) {
      words.addAll(List.of("--node-name", NODE));
    }
    if (words.containsAll(List.of("node", "cni"))) {
      words.addAll(cniDirectories());
    }
    return words;
  }

  private static String execute(List<String> words) throws IOException, InterruptedException {
    return ASKS.matcher(String.join(" ", words)).matches()
        ? JavaCommand.here(words.subList(1, words.size()).toArray(String[]::new))
        : new Commands(directory).execute(words);
  }

  private static String output(String command) {
    try {
      return new Commands(directory).outputIfItWorks(words(command));
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(command, e);
    }
  }
}
