package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.sluice.api.envoy.core.Node;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.control.kubernetes.SiteManifests;
import io.sluice.control.traffic.TrafficApi;
import io.sluice.mesh.CallRefusal;
import io.sluice.mesh.Marker;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.TrafficCodec;
import io.sluice.mesh.svid.SvidJudge;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Resources as nodes follow them, over the real control port. */
class DistributionTest {
  private static final NamespacedName BUYER = new NamespacedName("shop", "buyer");

  @TempDir private Path home;
  @AutoClose private ControlSite site;
  private NodeClient edge1;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.in(home);
    site.pod("buyer", "nodeName: edge1");
    edge1 = site.joined("edge1");
  }

  private NodeState state(String node) {
    return site.controller().status().nodes().stream()
        .filter(one -> one.node().equals(node))
        .findFirst()
        .orElse(new NodeState(node, false, 0, null, 0, 0, List.of(), "unknown", "", Map.of()));
  }

  private static Marker told(FollowingNode node) {
    return FollowingNode.marker(node.unanswered().getLast()).orElseThrow();
  }

  private void awaitInForce(String node) {
    Await.until(
        node + " has the newest revision",
        () -> state(node).revision() == site.controller().status().registryRevision());
  }

  private static String pods(int count, IntFunction<String> name, IntFunction<String> node) {
    return IntStream.range(0, count)
        .mapToObj(i ->
            """
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: %s, namespace: shop, labels: {sluice.io/mesh: enabled}}
            spec: {nodeName: %s}
            """
                .formatted(name.apply(i), node.apply(i)))
        .collect(Collectors.joining());
  }

  @Test
  void nodeOfAClusterIsToldOfItsPodsOutsideTheMeshAndThatThereAreNoOthers() throws Exception {
    FollowingNode ofFolder = FollowingNode.silent(edge1);
    Await.until("a change", () -> !ofFolder.unanswered().isEmpty());
    assertThat(told(ofFolder).tellsOfEveryPod()).isFalse();
    ClusterHistory history = new ClusterHistory();
    history.apply(SiteManifests.pod("plain", "10.0.0.1").replace("enabled", "disabled"));
    Path other = Files.createDirectory(home.resolve("other"));
    try (FakeCluster cluster = new FakeCluster(history);
        ControlSite ofCluster =
            ControlSite.with(
                other,
                new KubernetesRegistry(
                    cluster.access(other, "reader"), CompilerSettings.USUAL, _ -> {}));
        NodeClient node = ofCluster.joined("edge-1")) {
      FollowingNode following = FollowingNode.silent(node);
      Await.until("a change", () -> !following.unanswered().isEmpty());

      assertThat(told(following).tellsOfEveryPod()).isTrue();
      following.answer(List.of());
      assertThat(following.snapshot().workload(new NamespacedName("shop", "plain")))
          .hasValueSatisfying(plain -> {
            assertThat(plain.enrolled()).isFalse();
            assertThat(plain.uid()).isPresent();
          });
    }
  }

  @Test
  void nodeIsToldOfItsPodsAndOfEveryLaterChange() throws Exception {
    FollowingNode node = FollowingNode.prompt(edge1).awaitPod("buyer");
    assertThat(node.snapshot().settings()).isNotNull();

    site.pod("store", "nodeName: edge1");
    node.awaitPod("store");

    awaitInForce("edge1");
    assertThat(state("edge1").problems()).isEmpty();
    assertThat(state("edge1").since()).isPresent();
    assertThat(state("edge1").software()).isEqualTo("test");
    assertThat(site.controller().metrics())
        .contains("sluice_control_distribution_streams 1.0")
        .contains("sluice_control_distribution_answers_total{result=\"acknowledged\",} 2.0");
  }

  @Test
  void changeThatDoesNotConcernANodeCostsItNothing() throws Exception {
    try (NodeClient edge2 = site.joined("edge2")) {
      FollowingNode idle = FollowingNode.prompt(edge2).awaitChanges(1);
      long before = idle.bytes();

      site.pod("store", "nodeName: edge1");
      awaitInForce("edge2");

      assertThat(idle.bytes()).isEqualTo(before);
      assertThat(idle.snapshot().workload(BUYER)).isEmpty();
    }
  }

  @Test
  void nodeThatComesAgainIsToldOnlyTheDifference() throws Exception {
    site.manifest("pods.yaml", pods(30, i -> "pod-" + i, _ -> "edge1"));
    FollowingNode first = FollowingNode.prompt(edge1).awaitPod("pod-29");
    site.pod("late", "nodeName: edge1");
    first.awaitPod("late");
    long whole = first.bytes();
    NodeClient other = site.joined("edge1");

    FollowingNode again = FollowingNode.again(other, first).awaitChanges(1);
    long unchanged = again.bytes();
    site.pod("later", "nodeName: edge1");
    again.awaitPod("later");

    first.awaitEnd();
    assertThat(first.reason()).isEqualTo(CallRefusal.SUPERSEDED);
    assertThat(unchanged).as("a marker").isLessThan(200);
    assertThat(again.bytes() - unchanged).isLessThan(whole / 15);
    assertThat(again.snapshot().workloads()).hasSize(33);
    other.close();
  }

  @Test
  void whatANodeHoldsAndNobodyNeedsAnyMoreIsRemoved() throws Exception {
    site.pod("store", "nodeName: edge1");
    FollowingNode first = FollowingNode.prompt(edge1).awaitPod("store");

    site.pod("buyer", "nodeName: edge2");
    site.pod("store", "nodeName: edge2");

    Await.until("edge1 has no pod", () -> first.snapshot().workloads().isEmpty());
  }

  @Test
  void refusedChangeIsShownAndWhatWasInForceStays() throws Exception {
    FollowingNode node = FollowingNode.prompt(edge1).awaitPod("buyer");
    awaitInForce("edge1");
    long inForce = state("edge1").revision();
    node.refuseFromNowOn(List.of("WORKLOAD shop/store: it is too much\u001b[31m"));

    site.pod("store", "nodeName: edge1");

    Await.until("the refusal is known", () -> !state("edge1").problems().isEmpty());
    assertThat(state("edge1").problems())
        .containsExactly("WORKLOAD shop/store: it is too much\\u001b[31m");
    assertThat(state("edge1").revision()).isEqualTo(inForce);
    assertThat(site.controller().metrics())
        .contains("sluice_control_distribution_answers_total{result=\"refused\",} 1.0");

    node.refuseFromNowOn(List.of());
    site.pod("bank", "nodeName: edge1");

    node.awaitPod("store").awaitPod("bank");
    awaitInForce("edge1");
    assertThat(state("edge1").problems()).isEmpty();
  }

  @Test
  void slowNodeHasOneChangeInFlightAndThenTheNewestAtOnce() throws Exception {
    FollowingNode slow = FollowingNode.silent(edge1);
    Await.until("the first change", () -> !slow.unanswered().isEmpty());
    try (NodeClient edge2 = site.joined("edge2")) {
      site.pod("other", "nodeName: edge2");
      FollowingNode quick = FollowingNode.prompt(edge2).awaitPod("other");
      for (int i = 0; i < 10; i++) {
        site.pod("pod-" + i, "nodeName: edge1");
      }

      quick.awaitPod("pod-9"); // nobody waits for the slow one
      awaitInForce("edge2");
      assertThat(slow.unanswered()).hasSize(1);
      assertThat(state("edge1").pendingRevision()).isPositive();

      slow.answer(List.of());
      Await.until("the second change", () -> !slow.unanswered().isEmpty());
      slow.answer(List.of());

      assertThat(slow.snapshot().workload(new NamespacedName("shop", "pod-9"))).isPresent();
      assertThat(slow.changes()).isEqualTo(2);
      awaitInForce("edge1");
    }
  }

  @Test
  void bigMeshComesInPartsOfAThousandAndCountsAsOneChange() throws Exception {
    for (int file = 0; file < 5; file++) {
      String first = "many-" + file + "-";
      site.manifest(first + "pods.yaml", pods(300, i -> first + i, _ -> "edge1"));
    }
    FollowingNode.prompt(edge1).awaitPod("many-4-299"); // all of it is distributed
    FollowingNode slow = FollowingNode.silent(edge1);

    Await.until(
        "the last part",
        () ->
            !slow.unanswered().isEmpty()
                && FollowingNode.marker(slow.unanswered().getLast()).isPresent());

    assertThat(slow.unanswered()).hasSize(2);
    assertThat(slow.unanswered().getFirst().getResourcesCount()).isEqualTo(1_000);
    assertThat(FollowingNode.marker(slow.unanswered().getFirst())).isEmpty();
    slow.answer(List.of());
    assertThat(slow.snapshot().workloads()).hasSize(1_501);
  }

  @Test
  void hundredNodesAreToldAtOnce() throws Exception {
    List<NodeClient> clients = new ArrayList<>();
    List<FollowingNode> nodes = new ArrayList<>();
    try {
      site.manifest("homes.yaml", pods(100, i -> "home-" + i, i -> "node-" + i));
      for (int i = 0; i < 100; i++) {
        NodeClient client = site.joined("node-" + i);
        clients.add(client);
        nodes.add(FollowingNode.prompt(client));
      }
      for (FollowingNode node : nodes) {
        node.awaitPod("home-99");
      }

      site.pod("news", "nodeName: edge1");

      nodes.forEach(node -> node.awaitPod("news"));
      assertThat(site.controller().status().nodes()).hasSize(100);
      assertThat(site.controller().metrics()).contains("sluice_control_distribution_streams 100.0");
    } finally {
      clients.forEach(NodeClient::close);
    }
    Await.until(
        "all are gone",
        () -> site.controller().status().nodes().stream().noneMatch(NodeState::connected));
  }

  @Test
  void streamEndsWithTheNodesCertificate() {
    FollowingNode node = FollowingNode.prompt(edge1).awaitChanges(1);

    site.clock().advance(ControlSite.NODE.plus(SvidJudge.CLOCK_SKEW).plusSeconds(1));

    node.awaitEnd();
    assertThat(node.reason()).isEqualTo("certificate_expired");
    Await.until("the controller has noted it", () -> !state("edge1").connected());
  }

  @Test
  void controllerThatStopsEndsStreamsAsUnavailable() {
    FollowingNode node = FollowingNode.prompt(edge1).awaitChanges(1);

    site.end();

    node.awaitEnd();
    assertThat(node.reason()).contains("UNAVAILABLE");
  }

  @Test
  void nodeOfAnotherFormatIsTurnedAway() {
    FollowingNode node = FollowingNode.mute(edge1);
    node.send(
        FollowingNode.hello()
            .setTypeUrl("type.googleapis.com/sluice.resources.v2.Snapshot")
            .build());

    node.awaitEnd();
    assertThat(node.reason()).isEqualTo("format_unknown");
  }

  @Test
  void streamThatMakesNoSenseEnds() {
    FollowingNode node = FollowingNode.mute(edge1);
    node.send(FollowingNode.request().setResponseNonce("1").build());

    node.awaitEnd();
    assertThat(node.reason()).isEqualTo("stream_malformed");
  }

  @Tag("attack")
  @Test
  void nodeThatSaysItHoldsMoreThanThereIsIsTurnedAway() {
    FollowingNode node = FollowingNode.mute(edge1);
    node.send(
        FollowingNode.request()
            .putInitialResourceVersions("workload/shop/buyer", "1".repeat(60_000))
            .build());

    node.awaitEnd();
    assertThat(node.reason()).isEqualTo("stream_malformed");
    Attack.tried("a node that fills the controller's memory with versions it says it holds")
        .refusedBy("the controller, stream_malformed")
        .countedAs("sluice_control_refusals_total{reason=\"stream_malformed\"}");
  }

  @Test
  void answerToNoChangeEndsTheStream() {
    FollowingNode node = FollowingNode.prompt(edge1).awaitChanges(1);
    node.send(FollowingNode.request().setResponseNonce("99").build());

    node.awaitEnd();
    assertThat(node.reason()).isEqualTo("stream_malformed");
  }

  @Test
  void nodeThatCountsRequestsIsAskedBeforeItsFirstChangeAndMayNotTellNonsense() throws Exception {
    try (FakeCluster cluster = new FakeCluster();
        TrafficApi _ =
            site.controller().trafficApi(cluster.access(home, "reader"), InstantSource.system())) {
      FollowingNode old = FollowingNode.silent(edge1);
      Await.until("a change", () -> !old.unanswered().isEmpty());
      assertThat(old.unanswered().getFirst().getTypeUrl()).isEqualTo(Marker.TYPE_URL);
      FollowingNode node = counting();
      String nonce = node.unanswered().getFirst().getNonce();

      TrafficCodec.answer("of another question", List.of()).forEach(node::send);
      node.send(
          TrafficCodec.answer(nonce, List.of()).getFirst().toBuilder()
              .setNode(
                  Node.newBuilder()
                      .setMetadata(
                          Struct.newBuilder()
                              .putFields(
                                  TrafficCodec.KNOWN,
                                  Value.newBuilder().setStringValue("no base64!").build())))
              .build());

      node.awaitEnd();
      assertThat(node.reason()).isEqualTo("stream_malformed");
      long most = TrafficCodec.MOST_COUNTED;
      for (PodTraffic.Builder hostile :
          List.of(
              PodTraffic.newBuilder().setFailed(-1),
              PodTraffic.newBuilder().setFailed(most + 1),
              PodTraffic.newBuilder().putDurations(1, -1),
              PodTraffic.newBuilder().putDurations(-1, 1),
              PodTraffic.newBuilder().putDurations(1, most).putDurations(2, 1))) {
        FollowingNode next = counting();
        String asked = next.unanswered().getFirst().getNonce();
        TrafficCodec.answer(asked, List.of(hostile.build())).forEach(next::send);

        next.awaitEnd();
        assertThat(next.reason()).as(hostile.toString()).isEqualTo("stream_malformed");
      }
    }
  }

  /** Has been asked what it counted, before its first change. */
  private FollowingNode counting() {
    FollowingNode node = FollowingNode.mute(edge1);
    DeltaDiscoveryRequest.Builder hello = FollowingNode.hello();
    hello
        .getNodeBuilder()
        .getMetadataBuilder()
        .putFields(TrafficCodec.KNOWN, Value.getDefaultInstance());
    node.send(hello.build());
    Await.until("a question and a change", () -> node.unanswered().size() > 1);
    assertThat(node.unanswered().getFirst().getTypeUrl()).isEqualTo(TrafficCodec.TYPE_URL);
    return node;
  }

  @Test
  void strangerFollowsNothing() {
    try (NodeClient stranger = site.stranger()) {
      FollowingNode node = FollowingNode.mute(stranger);

      node.awaitEnd();
      assertThat(node.reason()).isEqualTo("certificate_missing");
    }
  }
}
