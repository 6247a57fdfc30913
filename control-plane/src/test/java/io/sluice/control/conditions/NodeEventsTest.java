package io.sluice.control.conditions;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.await.Await;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code kubectl describe node} tells of a node's mode. */
class NodeEventsTest {
  private static final String BY_EBPF = "ebpf: a trial of every program succeeded";
  private static final String BY_RULES = "iptables: eBPF does not work here: EPERM";

  private static final String UID = "1f9d8c1e-7f0b-4a52-9b55-0a4b9d4d7c11";
  private static final NamespacedName BUYER = new NamespacedName("shop", "buyer");
  private static final NamespacedName STORE = new NamespacedName("shop", "store");

  @TempDir private Path home;
  private final Map<NamespacedName, Workload> pods = Map.of(BUYER, pod());

  private volatile Instant now = Instant.parse("2026-11-21T10:15:30.5Z");
  private volatile List<NodeState> nodes = List.of(node("edge1", BY_EBPF));
  private FakeCluster cluster;
  private KubernetesApi api;
  private NodeEvents events;

  @BeforeEach
  void open() throws Exception {
    cluster = new FakeCluster();
    api = new KubernetesApi(cluster.access(home, "writer"), Duration.ofSeconds(4));
    events =
        new NodeEvents(api, () -> nodes, name -> Optional.ofNullable(pods.get(name)), () -> now);
  }

  @AfterEach
  void close() {
    events.close();
    api.close();
    cluster.close();
  }

  private static Workload pod() {
    return new Workload(
        BUYER,
        SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/buyer"),
        List.of(),
        Map.of(),
        true,
        null,
        new PodUid(UID),
        "edge1",
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }

  private static NodeState node(String name, String interception) {
    return node(name, interception, Map.of());
  }

  private static NodeState node(
      String name, String interception, Map<NamespacedName, String> troubled) {
    return new NodeState(name, true, 1, null, 1, 0, List.of(), "test", interception, troubled);
  }

  private List<JsonNode> written() {
    return cluster.writes().stream()
        .filter(write -> write.path().endsWith("/events"))
        .map(FakeCluster.Write::body)
        .toList();
  }

  @Test
  void tellsTheModeOfEachNodeWhenItChangesAndEveryHour() {
    Await.until("edge1 is told of", () -> written().size() == 1);
    JsonNode first = written().getFirst();
    assertThat(first.path("message").asText()).isEqualTo("pods are intercepted by " + BY_EBPF);
    assertThat(first.path("reason").asText()).isEqualTo("SluiceInterception");
    assertThat(first.path("firstTimestamp").asText()).isEqualTo("2026-11-21T10:15:30Z");
    assertThat(first.at("/involvedObject/kind").asText()).isEqualTo("Node");
    assertThat(first.at("/involvedObject/name").asText()).isEqualTo("edge1");
    assertThat(first.at("/involvedObject/uid").asText()).isEqualTo("edge1");

    // One that says nothing of itself is nothing to tell of; one that said this already neither.
    nodes = List.of(node("edge1", BY_EBPF), node("edge2", ""), node("edge3", BY_RULES));
    Await.until("edge3 is told of", () -> written().size() == 2);
    assertThat(written().getLast().at("/involvedObject/name").asText()).isEqualTo("edge3");

    nodes = List.of(node("edge1", BY_RULES), node("edge3", BY_RULES));
    Await.until("the change is told", () -> written().size() == 3);
    assertThat(written().getLast().path("message").asText()).contains(BY_RULES);
    assertThat(written().getLast().at("/involvedObject/name").asText()).isEqualTo("edge1");

    now = now.plus(Duration.ofHours(1));
    Await.until("both are told again", () -> written().size() == 5);
    assertThat(events.problem()).isEmpty();
  }

  @Test
  void tellsWhatIsWrongWithAPodWhereThePodIs() {
    Await.until("edge1 is told of", () -> written().size() == 1);
    nodes =
        List.of(
            node("edge1", "", Map.of(BUYER, "not protected: no room")),
            node("edge2", "", Map.of(STORE, "refused: of another node", BUYER, "refused: not so")));
    Await.until("the pod is told of", () -> written().size() == 2);
    JsonNode event = written().getLast();
    assertThat(cluster.writes().getLast().path()).isEqualTo("/api/v1/namespaces/shop/events");
    assertThat(event.path("type").asText()).isEqualTo("Warning");
    assertThat(event.path("reason").asText()).isEqualTo("SluiceNotProtected");
    assertThat(event.path("message").asText()).isEqualTo("Sluice: not protected: no room");
    assertThat(event.at("/involvedObject/kind").asText()).isEqualTo("Pod");
    assertThat(event.at("/involvedObject/name").asText()).isEqualTo("buyer");
    assertThat(event.at("/involvedObject/namespace").asText()).isEqualTo("shop");
    assertThat(event.at("/involvedObject/uid").asText()).isEqualTo(UID);

    nodes =
        List.of(
            node("edge1", "", Map.of(BUYER, "not protected: other words")),
            node("edge3", BY_RULES));
    Await.until("the next node is told of", () -> written().size() == 3);
    assertThat(written().getLast().at("/involvedObject/name").asText())
        .as("words that change at once are not told at once")
        .isEqualTo("edge3");

    now = now.plus(Duration.ofMinutes(1));
    Await.until("they are told later", () -> written().size() == 4);
    assertThat(written().getLast().path("message").asText()).endsWith("other words");

    nodes = List.of(nodes.getFirst());
    now = now.plus(Duration.ofHours(1));
    Await.until("it is told again", () -> written().size() == 5);
    assertThat(written().getLast().at("/involvedObject/name").asText())
        .as("a node speaks of its own pods alone, and of those that there are")
        .isEqualTo("buyer");
  }

  @Test
  void anotherReplicaRepeatsNothing() {
    Await.until("edge1 is told of", () -> written().size() == 1);
    try (NodeEvents other =
        new NodeEvents(api, () -> nodes, name -> Optional.ofNullable(pods.get(name)), () -> now)) {
      nodes = List.of(node("edge1", BY_EBPF), node("edge2", BY_EBPF));
      Await.until("edge2 is told of", () -> written().size() == 2);
      nodes = List.of(node("edge1", BY_EBPF), node("edge2", BY_EBPF), node("edge3", BY_EBPF));
      Await.until("edge3 is told of", () -> written().size() == 3);
      assertThat(other.problem()).isEmpty();
    }
    assertThat(written())
        .extracting(event -> event.at("/metadata/name").asText())
        .doesNotHaveDuplicates();
  }

  @Test
  void namesTheRuleThatIsMissingAndGoesOnWhenItIsThere() {
    cluster.fail("writes", new Failing.Status(403, ""));
    nodes = List.of(node("edge1", BY_RULES));
    Await.until("it is a problem", () -> events.problem().isPresent());
    assertThat(events.problem().orElseThrow())
        .contains("{apiGroups: [''], resources: [events], verbs: [create]}");

    cluster.heal("writes");
    Await.until(
        "it is told",
        () ->
            written().stream()
                .anyMatch(event -> event.path("message").asText().contains(BY_RULES)));
    Await.until("and no problem any more", () -> events.problem().isEmpty());
  }
}
