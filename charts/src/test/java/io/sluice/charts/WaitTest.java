package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.control.kubernetes.FakeCluster;
import java.nio.file.Path;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code --wait} waits for: the controller; and the nodes once they have roots. */
class WaitTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ROOTS =
      "/api/v1/namespaces/sluice-system/configmaps/sluice-trust-bundle";

  @TempDir private Path home = Path.of("");
  @AutoClose private final FakeCluster cluster = ChartCommands.started();
  private final ChartCommands commands = new ChartCommands();

  private int run(String line) throws Exception {
    String options = " --timeout 1s -o json --kubeconfig " + cluster.kubeconfig(home);
    return commands.run(line + options);
  }

  private boolean isReady() throws Exception {
    JsonNode answer = JSON.readTree(commands.out());
    assertThat(answer.path("status").asText()).isEqualTo("deployed");
    return answer.path("ready").asBoolean();
  }

  /** As the controller does once it runs. */
  private void publishRoots() {
    ObjectNode roots = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "ConfigMap");
    roots
        .putObject("metadata")
        .put("name", "sluice-trust-bundle")
        .put("namespace", "sluice-system");
    roots.putObject("data").put("roots.pem", "PEM");
    cluster.put(ROOTS, roots);
  }

  /** The release is there, so that each command has its own work left to do. */
  private void prepare(String command) {
    if (command.equals("upgrade")) {
      ChartCommands.giveTheMeshAsItIs(cluster);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"install", "upgrade"})
  void nothingIsWaitedForWithoutIt(String command) throws Exception {
    prepare(command);

    assertThat(run(command)).isEqualTo(ExitCode.OK.code());

    assertThat(isReady()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"install", "upgrade"})
  void controllerThatIsNotReadyIsAFailure(String command) throws Exception {
    prepare(command);

    assertThat(run(command + " --wait")).isEqualTo(ExitCode.FAILED.code());

    assertThat(commands.err())
        .contains("the controller: not ready after 1 s (Deployment sluice-controller, ")
        .contains("PersistentVolumeClaim sluice-controller is not bound to a volume")
        .contains("--set controller.state.storageClassName=usual, or", "type=hostPath --set")
        .contains("kubectl -n sluice-system describe pods", "--timeout");
    assertThat(commands.out()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"install", "upgrade"})
  void nodesWithoutRootsAreNotWaitedFor(String command) throws Exception {
    cluster.onWrite = ChartCommands::readyButNodes;
    prepare(command);

    assertThat(run(command + " --wait")).isEqualTo(ExitCode.OK.code());

    assertThat(isReady()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"install", "upgrade"})
  void nodesWithRootsAreWaitedFor(String command) throws Exception {
    cluster.onWrite = ChartCommands::readyButNodes;
    publishRoots();
    prepare(command);

    assertThat(run(command + " --wait")).isEqualTo(ExitCode.FAILED.code());
    assertThat(commands.err())
        .contains("the nodes: not ready after 1 s (DaemonSet sluice-node)")
        .contains(
            "missing of kubectl -n sluice-system exec daemonset/sluice-node"
                + " -- sluice node status");
  }

  @ParameterizedTest
  @ValueSource(strings = {"install", "upgrade"})
  void readyMeshIsSaidToBeReady(String command) throws Exception {
    cluster.onWrite = ChartCommands::ready;
    publishRoots();
    prepare(command);

    assertThat(run(command + " --wait")).isEqualTo(ExitCode.OK.code());

    assertThat(isReady()).isTrue();
  }

  @Test
  void atomicInstallWhoseNodesDoNotStartLeavesNone() throws Exception {
    cluster.onWrite = ChartCommands::readyButNodes;
    publishRoots();

    assertThat(run("install --atomic")).isEqualTo(ExitCode.FAILED.code());

    assertThat(commands.err()).contains("the nodes: not ready after 1 s");
    assertThat(cluster.names())
        .contains("ConfigMap/sluice-trust-bundle")
        .noneMatch(name -> name.matches("(DaemonSet|Deployment)/.*"));
  }
}
