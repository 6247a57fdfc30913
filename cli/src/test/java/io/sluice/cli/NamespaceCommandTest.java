package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.output.ExitCode;
import io.sluice.control.kubernetes.FakeCluster;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * {@code sluice namespace} and {@code sluice metrics} as they are typed, against an API server over
 * TLS.
 */
class NamespaceCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MONITORED = "openservicemesh.io/monitored-by";
  private static final String IGNORE = "openservicemesh.io/ignore";
  private static final String METRICS = "openservicemesh.io/metrics";
  private static final String INJECTION = "openservicemesh.io/sidecar-injection";

  @TempDir private Path home = Path.of("");
  @AutoClose private final FakeCluster cluster;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  NamespaceCommandTest() throws Exception {
    cluster = new FakeCluster();
  }

  @BeforeEach
  void makeNamespaces() {
    put("shop", Map.of("team", "a"));
    put("store", Map.of("sluice.io/mesh", "disabled"));
    put("monitoring", Map.of("openservicemesh.io/ignore", "true"));
    put("kube-system", Map.of());
    put("elsewhere", Map.of(MONITORED, "other"));
  }

  private void put(String name, Map<String, String> labels) {
    ObjectNode object = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Namespace");
    object.putObject("metadata").put("name", name).set("labels", JSON.valueToTree(labels));
    cluster.put("/api/v1/namespaces/" + name, object);
  }

  private JsonNode metadata(String name) {
    return cluster.get("/api/v1/namespaces/" + name).orElseThrow().path("metadata");
  }

  private int run(String line) throws Exception {
    return run(line, cluster.kubeconfig(home));
  }

  private int run(String line, Path kubeconfig) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    Stream<String> words =
        Stream.concat(
            Arrays.stream((line.startsWith("metrics ") ? line : "namespace " + line).split(" ")),
            Stream.of("--kubeconfig", kubeconfig.toString()));
    return SluiceCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(words.toArray(String[]::new));
  }

  @Test
  void addedNamespacesSayWhatOpenServiceMeshReads() throws Exception {
    assertThat(run("add shop store")).isEqualTo(ExitCode.OK.code());

    assertThat(err.toString()).isEmpty();
    assertThat(out.toString()).containsPattern("shop +added").containsPattern("store +changed");
    for (String name : new String[] {"shop", "store"}) {
      assertThat(metadata(name).at("/labels").path(MONITORED).asText()).isEqualTo("sluice");
      assertThat(metadata(name).at("/annotations").path(INJECTION).asText()).isEqualTo("enabled");
    }
    assertThat(metadata("shop").at("/labels/team").asText()).isEqualTo("a");
    assertThat(metadata("store").at("/labels").has("sluice.io/mesh")).isFalse();
  }

  @Test
  void secondTimeChangesNothing() throws Exception {
    assertThat(run("add shop --mesh-name osm --disable-sidecar-injection")).isZero();
    assertThat(metadata("shop").at("/annotations").path(INJECTION).asText()).isEqualTo("disabled");
    int writes = cluster.writes().size();

    assertThat(run("add shop --mesh-name osm --disable-sidecar-injection -o json")).isZero();
    assertThat(JSON.readTree(out.toString()))
        .isEqualTo(JSON.readTree("[{\"namespace\":\"shop\",\"result\":\"unchanged\"}]"));
    assertThat(run("remove kube-system")).isZero();
    assertThat(cluster.writes()).hasSize(writes);
  }

  @Test
  void metricsOfNamespacesAreTurnedOffAndOn() throws Exception {
    assertThat(run("metrics disable --namespace shop,store")).isZero();
    assertThat(out.toString()).containsPattern("shop +disabled").containsPattern("store +disabled");
    assertThat(metadata("shop").at("/annotations").path(METRICS).asText()).isEqualTo("disabled");
    assertThat(metadata("shop").at("/labels/team").asText()).isEqualTo("a");
    int writes = cluster.writes().size();
    assertThat(run("metrics disable --namespace store -o json")).isZero();
    assertThat(JSON.readTree(out.toString()))
        .isEqualTo(JSON.readTree("[{\"namespace\":\"store\",\"result\":\"unchanged\"}]"));
    assertThat(cluster.writes()).hasSize(writes);

    assertThat(run("metrics enable --namespace shop")).isZero();
    assertThat(metadata("shop").at("/annotations").path(METRICS).asText()).isEqualTo("enabled");
    assertThat(run("metrics enable --namespace shop")).isZero();
    assertThat(out.toString()).containsPattern("shop +unchanged");
    assertThat(cluster.writes()).hasSize(writes + 1);
  }

  @ParameterizedTest
  @CsvSource({"metrics enable", "metrics disable"})
  void metricsOfANamespaceThatIsNotThereAreRefused(String verb) throws Exception {
    assertThat(run(verb + " --namespace shop,nowhere")).isEqualTo(ExitCode.FAILED.code());
    assertThat(err.toString()).contains("namespace nowhere is not in the cluster");
    assertThat(cluster.writes()).isEmpty();
  }

  @Test
  void ignoredNamespacesAreKeptOutOfEveryMesh() throws Exception {
    assertThat(run("add shop")).isZero();
    assertThat(run("ignore shop elsewhere monitoring")).isEqualTo(ExitCode.OK.code());

    assertThat(err.toString()).isEmpty();
    assertThat(out.toString())
        .containsPattern("shop +ignored")
        .containsPattern("elsewhere +ignored")
        .containsPattern("monitoring +unchanged");
    assertThat(metadata("shop").at("/labels").path(IGNORE).asText()).isEqualTo("true");
    assertThat(metadata("shop").at("/labels").path(MONITORED).asText()).isEqualTo("sluice");
    int writes = cluster.writes().size();

    assertThat(run("ignore shop elsewhere -o json")).isEqualTo(ExitCode.OK.code());
    assertThat(JSON.readTree(out.toString()).findValuesAsText("result"))
        .containsExactly("unchanged", "unchanged");
    assertThat(run("add shop")).isEqualTo(ExitCode.FAILED.code());
    assertThat(err.toString()).contains("`kubectl label namespace shop " + IGNORE + "-` ends that");
    assertThat(cluster.writes()).hasSize(writes);
  }

  @ParameterizedTest
  @CsvSource({
    "flomesh.io/ignore, true, unchanged",
    "openservicemesh.io/ignore, false, ignored",
    "openservicemesh.io/ignore, True, ignored"
  })
  void ignoredIsWhatTheControllerTakesForIt(String label, String word, String result)
      throws Exception {
    put("bank", Map.of(label, word));

    assertThat(run("ignore bank -o json")).isEqualTo(ExitCode.OK.code());

    assertThat(JSON.readTree(out.toString()).findValuesAsText("result")).containsExactly(result);
  }

  @Test
  void removedNamespacesKeepWhatIsNotOfTheMesh() throws Exception {
    assertThat(run("add shop")).isZero();
    assertThat(run("remove shop")).isZero();

    assertThat(out.toString()).containsPattern("shop +removed");
    assertThat(metadata("shop").path("labels").toString()).isEqualTo("{\"team\":\"a\"}");
    assertThat(metadata("shop").path("annotations")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "add shop nowhere; namespace nowhere is not in the cluster",
        "add shop monitoring; namespace monitoring: its label openservicemesh.io/ignore",
        "add shop kube-system; never in the mesh",
        "add shop elsewhere; belongs to mesh other",
        "remove shop elsewhere; --mesh-name",
        "ignore shop nowhere; namespace nowhere is not in the cluster; `kubectl get namespaces`"
      })
  void oneThatIsRefusedLeavesAllAsTheyAre(String line, String told) throws Exception {
    assertThat(run(line)).isEqualTo(ExitCode.FAILED.code());

    assertThat(err.toString()).startsWith("sluice: namespace ").contains(told);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(cluster.writes()).isEmpty();
  }

  @Test
  void userWhomTheServerDoesNotKnowIsTold() throws Exception {
    Path file = cluster.kubeconfig(home);
    String text = Files.readString(file).replace("token-of-", "another-");
    Path stranger = Files.writeString(home.resolve("stranger"), text);

    assertThat(run("list", stranger)).isEqualTo(ExitCode.FAILED.code());

    assertThat(err.toString())
        .startsWith("sluice: the API server https://localhost:")
        .contains("refuses: Unauthorized; check --kubeconfig and --context, and what their user");
    assertThat(err.toString().lines()).hasSize(1);
  }

  @Test
  void serverThatNobodyVouchesForIsTold() throws Exception {
    String text = Files.readString(cluster.kubeconfig(home));
    String unknown = text.replaceFirst(", certificate-authority: .*", "}}]");
    Path elsewhere = Files.writeString(home.resolve("elsewhere"), unknown);

    assertThat(run("list", elsewhere)).isEqualTo(ExitCode.FAILED.code());

    assertThat(err.toString()).contains("unable to find valid certification path", "; check --k");
    assertThat(err.toString().lines()).hasSize(1);
  }

  @Test
  void listShowsThoseThatSpeakOfAMesh() throws Exception {
    assertThat(run("list")).isZero();
    assertThat(out.toString())
        .containsPattern("monitoring +true")
        .containsPattern("store +disabled +false")
        .doesNotContain("kube-system", "shop");

    assertThat(run("list --mesh-name other -o json")).isZero();
    assertThat(JSON.readTree(out.toString()).findValuesAsText("namespace"))
        .containsExactly("elsewhere");
  }
}
