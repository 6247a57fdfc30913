package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.control.kubernetes.FakeCluster;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The commands that install, through Helm's own code, against an API server over TLS. */
@Order(1)
class InstallationTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String DAEMON_SET =
      "/apis/apps/v1/namespaces/sluice-system/daemonsets/sluice-node";
  private static final Map<String, String> KINDS =
      Map.of("leases", "Lease", "configmaps", "ConfigMap", "namespaces", "Namespace");
  private static final String MESH_CONFIG =
      "/apis/config.sluice.io/v1alpha1/namespaces/sluice-system/meshconfigs/sluice-mesh-config";
  private static final String NAMESPACE = "/api/v1/namespaces/sluice-system";

  @TempDir private Path home = Path.of("");
  @AutoClose private final FakeCluster cluster = ChartCommands.started();
  private final ChartCommands commands = new ChartCommands();

  @BeforeEach
  void workloadsBecomeReady() {
    cluster.onWrite = ChartCommands::ready;
  }

  private int run(String line) throws Exception {
    return commands.run(line + " --kubeconfig " + cluster.kubeconfig(home));
  }

  private void succeed(String line) throws Exception {
    int code = run(line);
    assertThat(commands.err()).isEmpty();
    assertThat(code).isEqualTo(ExitCode.OK.code());
  }

  private JsonNode object(String path) {
    return cluster.get(path).orElseThrow(() -> new AssertionError("there is no " + path));
  }

  private String nodeArguments() {
    return object(DAEMON_SET).at("/spec/template/spec/containers/0/args").toString();
  }

  @Test
  void whatIsInstalledCanBeUpgradedAndUninstalled() throws Exception {
    succeed("install --mode ebpf --wait");
    assertThat(commands.out())
        .contains(
            "sluice in namespace sluice-system, revision 1: deployed",
            "ConfigMap sluice-trust-bundle");
    assertThat(cluster.names())
        .contains("DaemonSet/sluice-node", "Deployment/sluice-controller")
        .contains("CustomResourceDefinition/meshconfigs.config.sluice.io")
        .contains("MeshConfig/sluice-mesh-config", "Secret/sluice-webhook");
    assertThat(object(NAMESPACE).at("/metadata/labels").toString())
        .contains("\"pod-security.kubernetes.io/enforce\":\"privileged\"");
    assertThat(nodeArguments()).contains("--mode=ebpf");
    JsonNode key = object("/api/v1/namespaces/sluice-system/secrets/sluice-webhook").path("data");

    succeed("upgrade --set node.drainSeconds=25 -o json");
    JsonNode answer = JSON.readTree(commands.out());
    assertThat(answer.path("revision").asInt()).isEqualTo(2);
    assertThat(answer.path("status").asText()).isEqualTo("deployed");
    assertThat(nodeArguments()).contains("--mode=ebpf", "--drain-seconds=25");
    assertThat(object("/api/v1/namespaces/sluice-system/secrets/sluice-webhook").path("data"))
        .isEqualTo(key);

    succeed("uninstall mesh --yes");
    assertThat(commands.out())
        .containsSubsequence(
            "retirement ANNOUNCED is in force on every node",
            "retirement CLEAR is in force on every node",
            "every node is given back",
            "is uninstalled",
            "stays: definition")
        .contains("stays: claim sluice-controller", "stays: namespace sluice-system");
    assertThat(cluster.names())
        .allMatch(name ->
            name.matches(
                "(CustomResourceDefinition|PersistentVolumeClaim|Namespace|StorageClass)/.*"));
  }

  @Test
  void nodesAreGivenBackBeforeTheReleaseGoes() throws Exception {
    ChartCommands.giveTheMesh(cluster);
    cluster.onWrite = object -> object; // from now on no node follows, and no controller

    assertThat(run("uninstall --yes --timeout 1s")).isEqualTo(ExitCode.FAILED.code());
    assertThat(commands.out())
        .contains(
            "retirement CLEAR is not confirmed: MeshConfig sluice-mesh-config: no controller");
    assertThat(object(MESH_CONFIG).at("/spec/traffic/retirement").asText()).isEqualTo("CLEAR");
    assertThat(commands.err()).contains("the nodes: not ready after 1 s (DaemonSet sluice-node)");
    assertThat(object(DAEMON_SET).at("/spec/template/spec/initContainers").toString())
        .contains("cleanup");

    succeed("uninstall --yes --without-nodes --delete-crds --delete-namespace");
    assertThat(cluster.names())
        .containsExactlyInAnyOrder("PersistentVolumeClaim/sluice-controller", "StorageClass/usual");
  }

  @ParameterizedTest
  @CsvSource({"'', true", "--without-nodes, false"})
  void programsAreToldWhatTheUninstallDid(String option, boolean isGivenBack) throws Exception {
    ChartCommands.giveTheMesh(cluster);
    // What the controller made, which Helm does not know, and what is somebody else's.
    put("/apis/coordination.k8s.io/v1/namespaces/sluice-system/leases/sluice-controller", "");
    put(NAMESPACE + "/configmaps/sluice-trust-bundle", "sluice-controller");
    put(NAMESPACE + "/configmaps/somebody-elses", "kubectl");
    put("/api/v1/namespaces/plain", "");
    put("/api/v1/namespaces/shop", "");
    ObjectNode shop = (ObjectNode) object("/api/v1/namespaces/shop");
    shop.withObject("/metadata/labels").put("sluice.io/mesh", "enabled");
    cluster.put("/api/v1/namespaces/shop", shop);

    succeed("uninstall --yes -o json" + (option.isEmpty() ? "" : " " + option));

    JsonNode answer = JSON.readTree(commands.out());
    assertThat(answer.path("release").asText()).isEqualTo("sluice");
    assertThat(answer.path("namespace").asText()).isEqualTo("sluice-system");
    assertThat(answer.path("nodesGivenBack").asBoolean()).isEqualTo(isGivenBack);
    assertThat(answer.path("stays"))
        .map(JsonNode::asText)
        .anyMatch(each -> each.endsWith(": kubectl delete namespace sluice-system"))
        .anyMatch(each ->
            each.startsWith("labels and annotations of namespaces, which are yours")
                && each.endsWith(": sluice namespace remove shop"));
    assertThat(cluster.names())
        .contains("ConfigMap/somebody-elses")
        .doesNotContain("Lease/sluice-controller", "ConfigMap/sluice-trust-bundle");
  }

  /** An object as somebody else made it; with a manager's label unless that is empty. */
  private void put(String path, String manager) {
    String[] names = path.split("/");
    ObjectNode object = JSON.createObjectNode();
    object.put("kind", KINDS.getOrDefault(names[names.length - 2], ""));
    ObjectNode metadata = object.putObject("metadata").put("name", names[names.length - 1]);
    if (!manager.isEmpty()) {
      metadata.putObject("labels").put("app.kubernetes.io/managed-by", manager);
    }
    cluster.put(path, object);
  }

  @Test
  void namespaceThatIsThereKeepsItsLabels() throws Exception {
    ObjectNode namespace = JSON.createObjectNode().put("kind", "Namespace").put("apiVersion", "v1");
    namespace.putObject("metadata").put("name", "sluice-system").putObject("labels").put("a", "b");
    cluster.put(NAMESPACE, namespace);

    succeed("install");

    assertThat(object(NAMESPACE).at("/metadata/labels/a").asText()).isEqualTo("b");
    assertThat(object(NAMESPACE).at("/metadata/labels").size()).isEqualTo(2);
  }

  @Test
  void secondMeshIsRefused() throws Exception {
    ChartCommands.giveTheMesh(cluster);

    assertThat(run("install --release other -n elsewhere")).isEqualTo(ExitCode.FAILED.code());
    assertThat(commands.err())
        .contains("sluice-system/sluice-node", "is installed already", "--no-enforce-single-mesh");
    assertThat(cluster.names()).doesNotContain("Namespace/elsewhere");
  }

  @Test
  void atomicInstallThatFailsLeavesNoWorkload() throws Exception {
    cluster.onWrite = object -> object;

    assertThat(run("install --atomic --timeout 1s")).isEqualTo(ExitCode.FAILED.code());
    assertThat(commands.err()).contains("the controller: not ready after 1 s");
    assertThat(cluster.names())
        .isNotEmpty()
        .noneMatch(name -> name.matches("(DaemonSet|Deployment|Secret|ConfigMap|MeshConfig)/.*"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "--set interception.mood=ebpf; there is no value interception.mood",
        "--mode sidecar; value interception.mode: must be one of 'auto', 'ebpf', 'iptables'",
        "--set controller.replicas=2; controller.replicas: 2 controllers cannot share the keys"
      })
  void refusedValueIsNamedAndNothingIsWritten(String options, String told) throws Exception {
    assertThat(run("install " + options)).isEqualTo(ExitCode.USAGE.code());
    assertThat(commands.err()).contains(told);
    assertThat(cluster.writes()).isEmpty();

    ChartCommands.giveTheMesh(cluster);
    int writes = cluster.writes().size();
    assertThat(run("upgrade " + options)).isEqualTo(ExitCode.USAGE.code());
    assertThat(commands.err()).contains(told);
    assertThat(cluster.writes()).hasSize(writes);
  }

  @Test
  void valueThatDoesNotGoWithOneOfBeforeIsRefused() throws Exception {
    succeed("install --set metrics.localOnly=true");
    int writes = cluster.writes().size();

    assertThat(run("upgrade --set metrics.podMonitor.enabled=true"))
        .isEqualTo(ExitCode.USAGE.code());
    assertThat(commands.err()).contains("with localOnly nobody else can scrape the nodes");
    assertThat(cluster.writes()).hasSize(writes);
  }

  @Test
  void installedMeshIsNotInstalledAgain() throws Exception {
    ChartCommands.giveTheMesh(cluster);
    int writes = cluster.writes().size();

    assertThat(run("install")).isEqualTo(ExitCode.FAILED.code());
    assertThat(commands.err())
        .contains("sluice is installed in namespace sluice-system already (deployed)", "upgrade");
    assertThat(cluster.writes()).hasSize(writes);
  }

  @Test
  void meshThatIsNotThereIsTold() throws Exception {
    for (String command : List.of("upgrade", "uninstall --yes")) {
      assertThat(run(command + " --release other")).isEqualTo(ExitCode.FAILED.code());
      assertThat(commands.err())
          .contains("other is not installed in namespace sluice-system", "--release");
    }
    assertThat(cluster.writes()).isEmpty();
  }

  @Test
  void uninstallAsksFirst() throws Exception {
    ChartCommands.giveTheMesh(cluster);

    assertThat(run("uninstall")).isEqualTo(ExitCode.USAGE.code());
    assertThat(commands.err()).contains("--yes");
    assertThat(cluster.names()).contains("DaemonSet/sluice-node");
  }

  @Test
  void contextThatIsNotInTheFileIsRefused() throws Exception {
    assertThat(run("install --context nowhere")).isEqualTo(ExitCode.USAGE.code());
    assertThat(commands.err()).contains("--context 'nowhere' is none of [site]");
  }
}
