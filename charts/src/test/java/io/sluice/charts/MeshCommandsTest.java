package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.mesh.Release;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which meshes a cluster has, and of which version: {@code mesh list} and {@code version}. */
class MeshCommandsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path home = Path.of("");
  @AutoClose private final FakeCluster cluster = ChartCommands.started();
  private final ChartCommands commands = new ChartCommands();

  @BeforeEach
  void workloadsBecomeReady() {
    cluster.onWrite = ChartCommands::ready;
  }

  private String kubeconfig() throws Exception {
    return " --kubeconfig " + cluster.kubeconfig(home);
  }

  private void install(String options) throws Exception {
    assertThat(commands.run("install" + options + kubeconfig())).as(commands.err()).isZero();
  }

  private String answer(String line) throws Exception {
    assertThat(commands.runBare(line + kubeconfig())).as(commands.err()).isZero();
    return commands.out();
  }

  private void namespace(String name, String label, String word, String injection) {
    ObjectNode object = JSON.createObjectNode().put("kind", "Namespace").put("apiVersion", "v1");
    ObjectNode metadata = object.putObject("metadata").put("name", name);
    metadata.putObject("labels").put(label, word);
    metadata.putObject("annotations").put("openservicemesh.io/sidecar-injection", injection);
    cluster.put("/api/v1/namespaces/" + name, object);
  }

  private void makeNamespaces() {
    namespace("shop", "openservicemesh.io/monitored-by", "sluice", "enabled");
    namespace("till", "sluice.io/mesh", "enabled", "disabled");
    namespace("choosy", "openservicemesh.io/monitored-by", "sluice", "disabled");
    namespace("stock", "sluice.io/mesh", "disabled", "enabled");
    namespace("unwatched", "team", "shop", "enabled");
  }

  @Test
  void meshIsListedWithItsNamespaces() throws Exception {
    makeNamespaces();
    ChartCommands.giveTheMesh(cluster);

    assertThat(answer("mesh list").lines())
        .containsExactly(
            "MESH    NAMESPACE      VERSION  NAMESPACES",
            "sluice  sluice-system  " + Release.VERSION + "    shop,till");

    JsonNode json = JSON.readTree(answer("mesh list -o json"));
    assertThat(json).hasSize(1);
    assertThat(json.at("/0/namespaces")).map(JsonNode::asText).containsExactly("shop", "till");
  }

  @Test
  void ignoredAndTakenOutNamespacesAreNotListed() throws Exception {
    makeNamespaces();
    ChartCommands.giveTheMesh(cluster);

    answer("namespace ignore shop");
    answer("namespace remove till");

    assertThat(JSON.readTree(answer("mesh list -o json")).at("/0/namespaces")).isEmpty();
  }

  @Test
  void everyMeshHasItsRow() throws Exception {
    install(" --release west -n west-system");
    install(" --release east -n east-system --no-enforce-single-mesh");

    assertThat(JSON.readTree(answer("mesh list -o json")).findValuesAsText("mesh"))
        .isEqualTo(List.of("east", "west"));
    assertThat(answer("version").lines())
        .containsExactly(
            "sluice " + Release.VERSION,
            "mesh east in namespace east-system: " + Release.VERSION,
            "mesh west in namespace west-system: " + Release.VERSION);
  }

  @Test
  void versionOfTheMeshIsWhatTheClusterSays() throws Exception {
    ChartCommands.giveTheMesh(cluster);
    String path = "/apis/apps/v1/namespaces/sluice-system/deployments/sluice-controller";
    ObjectNode controller = (ObjectNode) cluster.get(path).orElseThrow();
    ((ObjectNode) controller.at("/metadata/labels")).put("app.kubernetes.io/version", "0.0.9");
    cluster.put(path, controller);

    assertThat(answer("version"))
        .contains("sluice " + Release.VERSION, "sluice in namespace sluice-system: 0.0.9");
    assertThat(answer("mesh list")).contains("0.0.9");
  }

  @Test
  void clusterWithoutAMeshHasNone() throws Exception {
    assertThat(answer("mesh list").lines()).containsExactly("MESH  NAMESPACE  VERSION  NAMESPACES");
    assertThat(JSON.readTree(answer("mesh list -o json"))).isEmpty();
    assertThat(answer("version")).contains("no mesh is in the cluster; `sluice install`");
  }

  @Test
  void clientsOwnVersionNeedsNoCluster() {
    assertThat(commands.runBare("version --client-only --kubeconfig /nowhere"))
        .isEqualTo(ExitCode.OK.code());

    assertThat(commands.out()).isEqualTo("sluice " + Release.VERSION + System.lineSeparator());
    assertThat(cluster.writes()).isEmpty();
  }

  @Test
  void meshUpgradeIsUpgrade() throws Exception {
    install(" --mode ebpf");

    int code = commands.run("mesh upgrade --set node.drainSeconds=25 -o json" + kubeconfig());

    assertThat(code).as(commands.err()).isZero();
    assertThat(JSON.readTree(commands.out()).path("revision").asInt()).isEqualTo(2);
    assertThat(
            cluster
                .get("/apis/apps/v1/namespaces/sluice-system/daemonsets/sluice-node")
                .orElseThrow()
                .at("/spec/template/spec/containers/0/args")
                .toString())
        .contains("--mode=ebpf", "--drain-seconds=25");
  }
}
