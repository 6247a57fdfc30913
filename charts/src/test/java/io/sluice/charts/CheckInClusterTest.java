package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.kubernetes.FakeCluster;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code sluice check} against an API server over TLS in which Helm's own code has installed the
 * chart: of the cluster nothing untrue, and faults by their code.
 */
class CheckInClusterTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SYSTEM = "/namespaces/sluice-system/";
  private static final String SLICE =
      "/apis/discovery.k8s.io/v1" + SYSTEM + "endpointslices/controller";
  private static final String DEFINITION =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/traffictargets.access.smi-spec.io";

  @TempDir private Path home = Path.of("");
  @AutoClose private final FakeCluster cluster = ChartCommands.started();
  private final ChartCommands commands = new ChartCommands();

  @BeforeEach
  void installTheMesh() throws Exception {
    ChartCommands.giveTheMesh(cluster);
    put(
        "/api/v1/namespaces/kube-system/services/kube-dns",
        "{\"metadata\": {\"name\": \"kube-dns\", \"namespace\": \"kube-system\","
            + " \"labels\": {\"k8s-app\": \"kube-dns\"}}}");
    put(
        SLICE,
        "{\"addressType\": \"IPv4\", \"metadata\": {\"name\": \"controller\", \"namespace\": \"sluice-system\","
            + " \"labels\": {\"kubernetes.io/service-name\": \"sluice-webhook\"}},"
            + " \"endpoints\": [{\"addresses\": [\"10.0.0.1\"], \"conditions\": {\"ready\": true}}]}");
  }

  private void put(String path, String json) throws Exception {
    cluster.put(path, (ObjectNode) JSON.readTree(json));
  }

  private JsonNode check() throws Exception {
    commands.runBare(
        "check -o json --node-name none --state %s --kubeconfig %s"
            .formatted(home.resolve("none"), cluster.kubeconfig(home)));
    assertThat(commands.out()).as(commands.err()).isNotEmpty();
    return JSON.readTree(commands.out());
  }

  /** What is found of the cluster, and not of this machine. */
  private List<String> found() throws Exception {
    JsonNode run = check();
    assertThat(run.path("failed")).isEmpty();
    List<String> found = new ArrayList<>();
    for (JsonNode one : run.path("findings")) {
      if (one.path("code").asText().startsWith("SLU40")) {
        found.add(one.path("code").asText() + " " + one.path("subject").asText());
      }
    }
    return found;
  }

  @Test
  void nothingIsFoundInAClusterThatIsWell() throws Exception {
    assertThat(found()).isEmpty();
  }

  @Test
  void namesAnAccountWithoutWhichRightsLeadNowhere() throws Exception {
    cluster.remove("/api/v1" + SYSTEM + "serviceaccounts/sluice-controller");

    assertThat(found()).containsExactly("SLU4029 ClusterRoleBinding sluice-controller");
  }

  @Test
  void namesAWebhookThatCannotBeReached() throws Exception {
    cluster.remove(SLICE);

    assertThat(found())
        .isNotEmpty()
        .allMatch(line -> line.startsWith("SLU4026 ") && line.contains("sluice"));
  }

  @Test
  void namesADefinitionThatIsMissingOrOfAnotherVersion() throws Exception {
    ObjectNode definition = (ObjectNode) cluster.get(DEFINITION).orElseThrow().deepCopy();
    cluster.remove(DEFINITION);
    assertThat(found()).containsExactly("SLU4019 traffictargets.access.smi-spec.io");

    definition.withArray("/spec/versions").forEach(one -> ((ObjectNode) one).put("name", "v9"));
    cluster.put(DEFINITION, definition);
    assertThat(found()).containsExactly("SLU4019 traffictargets.access.smi-spec.io");
  }

  @Test
  void whatMayNotBeReadIsSaidAndNotTakenForMissing() throws Exception {
    cluster.fail("customresourcedefinitions", FakeCluster.Failing.of("403"));

    assertThat(found()).isEmpty();
    assertThat(check().path("notLooked"))
        .anySatisfy(one -> {
          assertThat(one.path("subject").asText()).isEqualTo("definitions");
          assertThat(one.path("why").asText()).contains("refuses", "customresourcedefinitions");
        });
  }

  /** Kinds that are not there are refused to who may not see any of their group. */
  @Test
  void objectsThatMayNotBeReadAreNotTakenForNone() throws Exception {
    cluster.fail("httproutes", FakeCluster.Failing.of("403"));
    assertThat(check().path("notLooked").toString()).doesNotContain("httproutes");

    cluster.fail("traffictargets", FakeCluster.Failing.of("403"));
    assertThat(check().path("notLooked"))
        .anySatisfy(
            one -> assertThat(one.path("why").asText()).contains("refuses", "/traffictargets"));
  }
}
