package io.sluice.control.conditions;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.await.Await;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.kubernetes.KubernetesApi;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code kubectl describe node} tells of a node's mode. */
class NodeEventsTest {
  private static final String BY_EBPF = "ebpf: a trial of every program succeeded";
  private static final String BY_RULES = "iptables: eBPF does not work here: EPERM";

  @TempDir private Path home;

  private volatile Instant now = Instant.parse("2026-11-21T10:15:30.5Z");
  private volatile List<NodeState> nodes = List.of(node("edge1", BY_EBPF));
  private FakeCluster cluster;
  private KubernetesApi api;
  private NodeEvents events;

  @BeforeEach
  void open() throws Exception {
    cluster = new FakeCluster();
    api = new KubernetesApi(cluster.access(home, "writer"), Duration.ofSeconds(4));
    events = new NodeEvents(api, () -> nodes, () -> now);
  }

  @AfterEach
  void close() {
    events.close();
    api.close();
    cluster.close();
  }

  private static NodeState node(String name, String interception) {
    return new NodeState(name, true, 1, null, 1, 0, List.of(), "test", interception);
  }

  private List<JsonNode> written() {
    return cluster.writes().stream()
        .filter(write -> write.path().equals(NodeEvents.COLLECTION))
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
  void anotherReplicaRepeatsNothing() {
    Await.until("edge1 is told of", () -> written().size() == 1);
    try (NodeEvents other = new NodeEvents(api, () -> nodes, () -> now)) {
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
