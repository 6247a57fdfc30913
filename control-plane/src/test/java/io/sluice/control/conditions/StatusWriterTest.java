package io.sluice.control.conditions;

import static io.sluice.control.kubernetes.SiteManifests.config;
import static io.sluice.control.kubernetes.SiteManifests.pod;
import static io.sluice.control.kubernetes.SiteManifests.route;
import static io.sluice.control.kubernetes.SiteManifests.service;
import static io.sluice.control.kubernetes.SiteManifests.target;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.await.Await;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.kubernetes.FakeCluster.Write;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.objects.ReadableKind;
import io.sluice.mesh.MeshSnapshot;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written into the objects of a cluster, and what is not. */
@Order(1)
class StatusWriterTest {
  private static final String TARGET = target("web", "db");

  @TempDir private Path home;

  private final ControllerMetrics metrics = new ControllerMetrics();
  private volatile MeshSnapshot newest = MeshSnapshot.EMPTY;
  private volatile List<NodeState> nodes = List.of();
  private volatile boolean mayWrite = true;
  private ClusterHistory history;
  private FakeCluster cluster;
  private KubernetesRegistry registry;
  private KubernetesApi api;
  private StatusWriter writer;

  @BeforeEach
  void open() throws Exception {
    history = new ClusterHistory();
    cluster = new FakeCluster(history);
    registry =
        new KubernetesRegistry(cluster.access(home, "reader"), CompilerSettings.USUAL, _ -> {});
    api = new KubernetesApi(cluster.access(home, "writer"), Duration.ofSeconds(4));
    history.apply(pod("web", "10.0.0.1"));
    history.apply(route("[8080]"));
    history.apply(TARGET);
    writer =
        new StatusWriter(
            api,
            () -> mayWrite,
            registry,
            () -> nodes,
            Map::of,
            metrics.replica(),
            InstantSource.system());
  }

  @AfterEach
  void close() {
    writer.close();
    registry.close();
    api.close();
    cluster.close();
  }

  private void start() {
    registry.start(snapshot -> newest = snapshot);
  }

  private static NodeState node(String name, long revision, String... problems) {
    return new NodeState(name, true, revision, null, 1, 0, List.of(problems), "test", "", Map.of());
  }

  private JsonNode condition(String manifest, String type) {
    for (JsonNode condition : history.stored(manifest).at("/status/conditions")) {
      if (condition.path("type").asText().equals(type)) {
        return condition;
      }
    }
    return MissingNode.getInstance();
  }

  private String message(String manifest, String type) {
    return condition(manifest, type).path("message").asText();
  }

  private void awaitCondition(String manifest, String type, String reason) {
    Await.until(
        type + " of " + manifest.lines().skip(1).findFirst().orElse("") + " says " + reason,
        () -> condition(manifest, type).path("reason").asText().equals(reason));
  }

  private long writes(String result) {
    String sample = "sluice_control_status_writes_total{result=\"" + result + "\",} ";
    return metrics
        .text()
        .lines()
        .filter(line -> line.startsWith(sample))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(sample.length())))
        .sum();
  }

  @Test
  void saysThatAnObjectIsUsedAndThatEveryNodeHasIt() {
    nodes = List.of(node("edge-1", 100), node("edge-2", 100));

    start();

    awaitCondition(TARGET, "Programmed", "Programmed");
    assertThat(message(TARGET, "Programmed")).isEqualTo("enforced by 2 of 2 nodes");
    JsonNode accepted = condition(TARGET, "Accepted");
    assertThat(accepted.path("status").asText()).isEqualTo("True");
    assertThat(accepted.path("reason").asText()).isEqualTo("Used");
    assertThat(accepted.path("message").asText()).isEqualTo("used as written");
    assertThat(accepted.path("observedGeneration").asLong()).isEqualTo(1);
    assertThat(accepted.path("lastTransitionTime").asText())
        .matches("2[0-9]{3}-[0-9-]{5}T[0-9:]{8}Z");
  }

  @Test
  void saysSoOfRoutesOfDatagramsToo() {
    String datagrams = route("[53]").replace("TCPRoute", "UDPRoute");
    history.apply(datagrams);

    start();

    awaitCondition(datagrams, "Accepted", "Used");
  }

  @Test
  void namesFieldReasonAndMendOfWhatCannotBeUsed() {
    String broken = TARGET.replace("name: all", "name: absent");
    history.apply(broken);
    history.apply(route("[99999]"));

    start();

    awaitCondition(broken, "Accepted", "Unusable");
    assertThat(condition(broken, "Accepted").path("message").asText())
        .contains("absent")
        .contains("; ");
    assertThat(condition(broken, "Programmed").path("reason").asText()).isEqualTo("NotAccepted");
    awaitCondition(route(""), "Accepted", "Invalid");
    assertThat(condition(route(""), "Accepted").path("message").asText())
        .contains("spec.matches.ports[0]")
        .contains("99999");
  }

  @Test
  void keepsTheTimeOfAConditionWhoseStatusStaysTheSame() {
    nodes = List.of(node("edge-1", 100));
    history.apply(config(true));
    start();
    awaitCondition(config(true), "Programmed", "Programmed");
    ObjectNode stored = history.stored(config(true)).deepCopy();
    ((ObjectNode) stored.at("/status/conditions/0"))
        .put("lastTransitionTime", "2026-01-01T00:00:00Z");
    history.apply(stored.toString());

    ObjectNode changed = stored.deepCopy();
    ((ObjectNode) changed.at("/spec/traffic")).put("enablePermissiveTrafficPolicyMode", false);
    history.apply(changed.toString());

    Await.until(
        "the new generation",
        () -> condition(config(false), "Accepted").path("observedGeneration").asLong() == 2);
    assertThat(condition(config(false), "Accepted").path("lastTransitionTime").asText())
        .isEqualTo("2026-01-01T00:00:00Z");
  }

  @Test
  void namesTheNodeThatRefusedAndWhatItSaid() {
    nodes = List.of(node("edge-1", 100), node("edge-2", 0, "Service shop/db: too many ports"));

    start();

    awaitCondition(TARGET, "Programmed", "Refused");
    assertThat(condition(TARGET, "Programmed").path("status").asText()).isEqualTo("False");
    assertThat(message(TARGET, "Programmed"))
        .startsWith("enforced by 1 of 2 nodes; node edge-2 ")
        .endsWith("Service shop/db: too many ports");
    nodes = List.of(node("edge-1", 100), node("edge-2", 100));
    awaitCondition(TARGET, "Programmed", "Programmed");
  }

  @Test
  void waitsForNodesThatAnswerSoonAndThenNamesThoseThatDoNot() {
    nodes = List.of(node("edge-1", 0));
    start();
    Await.until("a snapshot", () -> newest.revision() > 0);

    awaitCondition(TARGET, "Programmed", "Pending");

    assertThat(message(TARGET, "Programmed"))
        .isEqualTo("enforced by 0 of 1 node; not confirmed yet by edge-1");
    Await.until("a write for each object", () -> cluster.statuses().size() == 2);
    nodes = List.of(node("edge-1", 100));
    awaitCondition(TARGET, "Programmed", "Programmed");
  }

  @Test
  void tellsOfANodeThatComesAndOfVerdictsFirst() {
    nodes = List.of(node("edge-1", 100));
    start();
    awaitCondition(TARGET, "Programmed", "Programmed");
    awaitCondition(route(""), "Programmed", "Programmed");
    int before = cluster.statuses().size();

    // Both at once, as far as the writer is concerned.
    mayWrite = false;
    long seen = newest.revision();
    nodes = List.of(node("edge-1", 100), node("edge-2", 100));
    history.apply(config(false));
    Await.until("the change", () -> newest.revision() > seen);
    mayWrite = true;

    for (String object : List.of(TARGET, route(""), config(false))) {
      Await.until(
          "both nodes in each object",
          () -> message(object, "Programmed").equals("enforced by 2 of 2 nodes"));
    }
    assertThat(cluster.statuses().get(before).path()).contains("meshconfigs");
    assertThat(condition(TARGET, "Programmed").path("status").asText()).isEqualTo("True");
  }

  @Test
  void isQuietOnceEveryObjectSaysWhatItShould() {
    start();
    awaitCondition(TARGET, "Accepted", "Used");
    awaitCondition(route(""), "Accepted", "Used");

    history.apply(pod("db", "10.0.0.2"));
    Await.until("another delivery", () -> newest.workloads().size() == 2);
    history.apply(config(false));
    awaitCondition(config(false), "Accepted", "Used");

    history.apply(pod("cache", "10.0.0.3"));
    Await.until("one more delivery", () -> newest.workloads().size() == 3);
    assertThat(cluster.statuses()).hasSize(3).allMatch(write -> isOf("writer", write));
  }

  private static boolean isOf(String caller, Write write) {
    return write.caller().equals(caller);
  }

  @Test
  void keepsConditionsOfOthers() {
    ObjectNode stored = history.stored(TARGET).deepCopy();
    stored.withObject("/status").putArray("conditions").addObject().put("type", "Audited");
    history.apply(stored.toString());

    start();

    awaitCondition(TARGET, "Accepted", "Used");
    assertThat(condition(TARGET, "Audited").isMissingNode()).isFalse();
  }

  @Test
  void tellsOfEachServiceThatARouteOfTheGatewayApiNamesAndKeepsWhatOthersSay() {
    String route =
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: web, namespace: shop}
        spec:
          parentRefs:
          - {name: edge}
          - {group: "", kind: Service, name: web, port: 80}
          - {group: "", kind: Service, name: gone}
          rules: [{backendRefs: [{name: absent, port: 80}]}]
        """;
    nodes = List.of(node("edge-1", 100));
    history.apply(service("web"));
    history.apply(route);
    ObjectNode stored = history.stored(route).deepCopy();
    stored
        .withObject("/status")
        .putArray("parents")
        .addObject()
        .put("controllerName", "example.org/edge")
        .putObject("parentRef")
        .put("name", "edge");
    history.apply(stored.toString());

    start();

    Await.until("both Services", () -> history.stored(route).at("/status/parents").size() == 3);
    JsonNode parents = history.stored(route).at("/status/parents");
    assertThat(parents.get(0)).isEqualTo(stored.at("/status/parents/0"));
    assertThat(parents.get(1).path("parentRef")).isEqualTo(stored.at("/spec/parentRefs/1"));
    assertThat(parents.get(1).path("controllerName").asText()).isEqualTo("sluice.io/controller");
    assertThat(reasons(parents.get(1)))
        .containsExactly("Accepted True", "BackendNotFound False", "Programmed True");
    assertThat(parents.get(2).path("parentRef")).isEqualTo(stored.at("/spec/parentRefs/2"));
    assertThat(reasons(parents.get(2)))
        .containsExactly("NoMatchingParent False", "BackendNotFound False", "NotAccepted False");

    ObjectNode fewer = history.stored(route).deepCopy();
    ((ArrayNode) fewer.at("/spec/parentRefs")).remove(2);
    history.apply(fewer.toString());
    Await.until("one Service less", () -> history.stored(route).at("/status/parents").size() == 2);
    int written = cluster.statuses().size();
    history.apply(pod("db", "10.0.0.2"));
    Await.until("another delivery", () -> newest.workloads().size() == 2);
    assertThat(cluster.statuses()).hasSize(written);
  }

  private static List<String> reasons(JsonNode parent) {
    List<String> reasons = new ArrayList<>();
    parent
        .path("conditions")
        .forEach(
            one -> reasons.add(one.path("reason").asText() + " " + one.path("status").asText()));
    return reasons;
  }

  @Test
  void writesNothingWhileItMayNot() {
    mayWrite = false;
    start();
    Await.until("a snapshot", () -> newest.revision() > 0);
    history.apply(config(true));
    Await.until("another", () -> newest.revision() > 1);

    assertThat(cluster.statuses()).isEmpty();
    mayWrite = true;
    awaitCondition(TARGET, "Accepted", "Used");
  }

  @Test
  void looksAgainWhereSomebodyChangedTheObjectFirst() {
    cluster.fail("traffictargets", new Failing.Silence()); // the change stays unseen for a while
    start();

    history.apply(TARGET.replace("name: web, ", "name: other, "));
    cluster.heal("traffictargets");

    awaitCondition(TARGET, "Accepted", "Used");
    assertThat(condition(TARGET, "Accepted").path("observedGeneration").asLong()).isEqualTo(2);
  }

  @Test
  void saysWhichRuleIsMissing() {
    cluster.fail("writes", new Failing.Status(403, ""));

    start();

    Await.until("a problem of each kind", () -> writer.problems().size() == 2);
    assertThat(writer.problems())
        .allMatch(problem -> problem.contains("answered 403"))
        .anyMatch(problem -> problem.endsWith("resources: [tcproutes/status], verbs: [patch]}"));
    assertThat(writes("forbidden")).isPositive();
  }

  @Test
  void leavesAKindAloneWhoseDefinitionHasNoStatus() {
    history.removeStatus(ReadableKind.TRAFFIC_TARGET);

    start();

    Await.until("a problem", () -> !writer.problems().isEmpty());
    assertThat(writer.problems())
        .singleElement()
        .satisfies(said ->
            assertThat(said)
                .contains("traffictargets.access.smi-spec.io has no status subresource"));
    awaitCondition(route(""), "Accepted", "Used");
    Await.until(() -> assertThat(writes("missing")).isEqualTo(2));
  }

  @Test
  void leavesTheServerAloneForAsLongAsItAsks() {
    cluster.fail("writes", new Failing.Status(429, "1"));
    long began = System.nanoTime(); // before the first try, which may be seen late

    start();
    Await.until("a second try", () -> writes("unavailable") >= 2);

    assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(Duration.ofMillis(900));
    cluster.heal("writes");
    awaitCondition(TARGET, "Accepted", "Used");
  }

  @Test
  void writesNoMoreThanItsPace() {
    for (int i = 0; i < 40; i++) {
      history.apply(TARGET.replace("web-to-db", "target-" + i));
    }
    long began = System.nanoTime();

    start();

    Await.until("all", () -> cluster.statuses().size() == 42);
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(Duration.ofMillis(1_900));
  }
}
