package io.sluice.control.kubernetes;

import static io.sluice.control.kubernetes.SiteManifests.pod;
import static io.sluice.control.kubernetes.SiteManifests.route;
import static io.sluice.control.kubernetes.SiteManifests.service;
import static io.sluice.control.kubernetes.SiteManifests.target;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.ReadableKind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the registry of a cluster makes of everything that an API server and a network can do. */
class KubernetesRegistryTest {
  private static final NamespacedName DB = new NamespacedName("shop", "db");
  private static final WatchSettings QUICK =
      new WatchSettings(
          3,
          20,
          Duration.ofSeconds(1),
          Duration.ofSeconds(1),
          Duration.ofMillis(20),
          Duration.ofMillis(200),
          Duration.ofHours(1),
          Duration.ofSeconds(10),
          Duration.ofMillis(5));

  @TempDir private Path home;

  private volatile MeshSnapshot newest = MeshSnapshot.EMPTY;
  private ClusterHistory history;
  private FakeCluster cluster;
  private KubernetesRegistry registry;

  @BeforeEach
  void open() throws Exception {
    history = new ClusterHistory();
    cluster = new FakeCluster(history);
    registry =
        new KubernetesRegistry(
            new KubernetesApi(cluster.access(home), Duration.ofSeconds(5)),
            CompilerSettings.USUAL,
            _ -> {},
            QUICK);
    history.apply(pod("web", "10.0.0.1"));
  }

  @AfterEach
  void close() {
    registry.close();
    cluster.close();
  }

  private void start() {
    registry.start(snapshot -> newest = snapshot);
  }

  private boolean hasPod(String name) {
    return newest.workload(new NamespacedName("shop", name)).isPresent();
  }

  private void breakWatch() {
    history.send(ReadableKind.POD, ClusterHistory.CUT);
  }

  private List<Problem> problems() {
    return registry.status().problems();
  }

  @Test
  void listsInPages() {
    for (int i = 0; i < 10; i++) {
      history.apply(pod("web-" + i, "10.0.1." + i));
    }

    start();

    assertThat(newest.workloads()).hasSize(11);
    assertThat(registry.status().complete()).isTrue();
  }

  @Test
  void goesByTheMeshConfigOfItsOwnNamespace() {
    history.apply(SiteManifests.config(true).replace("namespace: sluice-system", "namespace: aaa"));
    start();
    assertThat(newest.settings().permissive()).isFalse();

    history.apply(SiteManifests.config(true));

    Await.until("the MeshConfig", () -> newest.settings().permissive());
  }

  @Test
  void readsTheRangesOfNodes() {
    for (int node = 1; node <= 2; node++) {
      history.apply(
          "{apiVersion: v1, kind: Node, metadata: {name: edge-%1$d}, spec: {podCIDR: 10.0.%1$d.0/24}}"
              .formatted(node));
      history.apply(pod("store-" + node, "10.0." + node + ".2").replace("edge-1", "edge-" + node));
    }
    history.apply(pod("web", "10.0.1.1"));

    start();
    history.apply(pod("thief", "10.0.2.9"));

    Await.until("the thief", () -> hasPod("thief"));
    assertThat(newest.workload(new NamespacedName("shop", "thief")).orElseThrow().addresses())
        .isEmpty();
  }

  @Test
  void knowsAPodFromWhenANodeWasFoundForIt() {
    String scheduled = pod("db", "10.0.0.2");
    history.apply(scheduled.replace("nodeName: edge-1", "hostNetwork: false"));
    start();
    assertThat(hasPod("web")).isTrue();
    assertThat(hasPod("db")).isFalse();
    assertThat(problems()).isEmpty();

    history.apply(scheduled);

    Await.until("the pod", () -> hasPod("db"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/proc/1/ns/net", "/run/fifo", "sluice-store", "not/../a place"})
  @Tag("attack")
  void theNamespaceThatAPodNamesIsNeitherBelievedNorPassedOn(String netns) {
    history.apply(
        pod("db", "10.0.0.2")
            .replace("  labels:", "  annotations: {sluice.io/netns: '" + netns + "'}\n  labels:"));

    start();

    Workload db = newest.workload(DB).orElseThrow();
    assertThat(db.netns()).isEmpty();
    assertThat(db.enrolled()).isTrue();
    assertThat(registry.status().objects())
        .singleElement()
        .asString()
        .contains("shop/db", "sluice.io/netns is not believed in a cluster", "remove it");
    assertThat(problems()).isEmpty();
    Attack.tried("sluice.io/netns on a Pod of a cluster: " + netns)
        .refusedBy("controller: the annotation is not read")
        .countedAs("control status: warning of the Pod");
  }

  @Test
  void goesOnFromWhereTheServerEndedAWatch() {
    start();
    Await.until("a third watch", () -> cluster.watches("pods") >= 3);

    history.apply(pod("db", "10.0.0.2"));

    Await.until("the new pod", () -> hasPod("db"));
    assertThat(cluster.lists("pods")).isEqualTo(1);
    assertThat(problems()).isEmpty();
  }

  @Test
  void goesOnWhereAConnectionBrokeInTheMiddleOfAnEvent() {
    start();
    Await.until("a watch", () -> cluster.watches("pods") >= 1);

    breakWatch();
    history.apply(pod("db", "10.0.0.2"));

    Await.until("the new pod", () -> hasPod("db"));
    assertThat(cluster.lists("pods")).isEqualTo(1);
    assertThat(registry.status().complete()).isTrue();
  }

  @Test
  void listsAgainWhereTheServerHasForgottenWhatHappened() {
    start();
    Await.until("a watch", () -> cluster.watches("pods") >= 1);

    history.unseen(() -> {
      history.delete(pod("web", "10.0.0.1"));
      history.apply(pod("db", "10.0.0.2"));
    });

    Await.until("what happened unseen", () -> hasPod("db") && !hasPod("web"));
    Await.until("a whole registry", () -> registry.status().complete());
  }

  @Test
  void needsNoListWhereABookmarkToldHowFarTheServerHadCome() {
    start();
    Await.until("a watch", () -> cluster.watches("pods") >= 1);
    history.bookmark(ReadableKind.POD);
    int before = cluster.watches("pods");
    Await.until("a watch from the bookmark", () -> cluster.watches("pods") >= before + 2);

    history.compact();

    Await.until("lists of the others", () -> cluster.lists("services") >= 2);
    int later = cluster.watches("pods");
    Await.until("one more watch", () -> cluster.watches("pods") > later);
    assertThat(cluster.lists("pods")).isEqualTo(1);
  }

  @Test
  void ignoresAnEventThatIsRepeated() {
    start();
    history.apply(pod("db", "10.0.0.2"));
    Await.until("the new pod", () -> hasPod("db"));
    long revision = newest.revision();

    history.repeat(ReadableKind.POD, 0);
    history.apply(service("db"));

    Await.until("the service", () -> newest.services().size() == 1);
    assertThat(newest.revision()).isEqualTo(revision + 1);
    assertThat(cluster.lists("pods")).isEqualTo(1);
  }

  @Test
  void listsAgainWhereAnOldEventComesLate() {
    start();
    history.apply(pod("db", "10.0.0.2"));
    history.delete(pod("db", "10.0.0.2"));
    history.apply(pod("new", "10.0.0.3"));
    Await.until("the newest pod", () -> hasPod("new"));

    history.repeat(ReadableKind.POD, 2); // the one that added what was removed since

    Await.until("a second list", () -> cluster.lists("pods") >= 2);
    Await.until("a whole registry", () -> registry.status().complete());
    assertThat(hasPod("db")).isFalse();
  }

  @Test
  void saysWhichRuleIsMissing() {
    cluster.fail("traffictargets", new Failing.Status(403, ""));

    start();

    assertThat(registry.status().complete()).isFalse();
    assertThat(hasPod("web")).isTrue();
    assertThat(problems())
        .singleElement()
        .satisfies(problem -> {
          assertThat(problem.field()).isEqualTo("traffictargets");
          assertThat(problem.reason()).contains("answered 403");
          assertThat(problem.mend())
              .contains("apiGroups: [\"access.smi-spec.io\"]")
              .contains("resources: [traffictargets], verbs: [list, watch]");
        });
    cluster.heal("traffictargets");
    Await.until("a whole registry", () -> registry.status().complete());
    Await.until("nothing to say", () -> problems().isEmpty()); // told a moment later
  }

  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(new Failing.Status(401, ""), "answered 401"),
        Arguments.of(new Failing.Status(403, ""), "answered 403"),
        Arguments.of(new Failing.Status(404, ""), "answered 404"),
        Arguments.of(new Failing.Status(429, ""), "answered 429"),
        Arguments.of(new Failing.Status(500, ""), "answered 500"),
        Arguments.of(new Failing.Status(503, ""), "answered 503"),
        Arguments.of(new Failing.Text("<html>Log in to the hotel</html>"), "Unexpected character"),
        Arguments.of(new Failing.Text("[]"), "no "),
        Arguments.of(new Failing.Text(""), "at once"),
        Arguments.of(new Failing.Text("{\"items\":["), "end"),
        Arguments.of(new Failing.Text("{\"a\":" + "[".repeat(1_000)), "nest"),
        Arguments.of(new Failing.Text("{\"a\":\"" + "x".repeat(5 << 20)), "longer than the limit"),
        Arguments.of(new Failing.Silence(), "nothing came for"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void keepsWhatItHasWhileAKindCannotBeReadAndSaysSo(Failing how, String said) {
    start();

    cluster.fail("pods", how);
    breakWatch();

    Await.until("an incomplete registry", () -> !registry.status().complete());
    Await.until(
        "a problem that says " + said,
        () -> problems().stream().anyMatch(problem -> problem.reason().contains(said)));
    assertThat(problems()).allMatch(problem -> problem.field().equals("pods"));
    assertThat(hasPod("web")).isTrue();
    cluster.heal("pods");
    history.apply(pod("db", "10.0.0.2"));
    Await.until("the new pod", () -> hasPod("db"));
    Await.until("a whole registry", () -> registry.status().complete());
    assertThat(hasPod("web")).isTrue();
  }

  @Test
  void leavesTheServerAloneForAsLongAsItAsks() {
    cluster.fail("pods", new Failing.Status(429, "1"));
    long began = System.nanoTime();
    Thread starting = Thread.ofVirtual().start(this::start);

    Await.until("a second try", () -> cluster.lists("pods") >= 2);

    assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(Duration.ofMillis(950));
    cluster.heal("pods");
    Await.until("the start", () -> !starting.isAlive() && registry.status().complete());
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 403})
  void noticesAKindThatIsInstalledLaterAndOneThatIsRemoved(int definitions) {
    if (definitions != 200) {
      cluster.fail("customresourcedefinitions", new Failing.Status(definitions, ""));
    }
    history.uninstall(ReadableKind.TRAFFIC_TARGET);
    history.apply(route("[8080]"));
    start();
    assertThat(registry.status().complete()).isTrue();

    history.install(ReadableKind.TRAFFIC_TARGET);
    history.apply(target("web", "db"));
    Await.until("the permission", () -> !newest.permissionsFor(DB).isEmpty());

    history.uninstall(ReadableKind.TRAFFIC_TARGET);
    Await.until("no permission", () -> newest.permissionsFor(DB).isEmpty());
    Await.until("a whole registry", () -> registry.status().complete());
  }

  @Test
  void kindThatNobodyDefinedIsNotAskedForAgain() {
    history.uninstall(ReadableKind.TRAFFIC_TARGET);
    start();
    int first = cluster.lists("traffictargets");
    long began = System.nanoTime();

    Await.until(
        "twenty pauses", () -> System.nanoTime() - began > 20 * QUICK.longestPause().toNanos());

    assertThat(cluster.lists("traffictargets") - first).isLessThanOrEqualTo(2);
  }

  @Test
  void startsIncompleteWhereTheServerIsAway() throws Exception {
    cluster.close();

    start();

    assertThat(registry.status().complete()).isFalse();
    assertThat(newest.revision()).isEqualTo(1);
    Await.until(
        "a problem for every kind, and that nobody knows the MeshConfig",
        () -> problems().size() == KubernetesObjects.KINDS.size() + 1);
  }

  @Test
  void takesNoMoreObjectsThanItsLimit() {
    for (int i = 0; i < QUICK.maxObjects(); i++) {
      history.apply(pod("more-" + i, "10.0.1." + i));
    }

    start();

    Await.until("a problem", () -> !problems().isEmpty());
    assertThat(problems().getFirst().reason()).contains("more than 20 objects");
    assertThat(registry.status().complete()).isFalse();
    history.delete(pod("more-7", ""));
    Await.until("a whole registry", () -> registry.status().complete());
    assertThat(newest.workloads()).hasSize(20);
  }

  @Test
  void keepsNothingOfAnObjectWhoseSuccessorIsBroken() {
    start();
    Await.until("a watch", () -> cluster.watches("pods") >= 1);

    history.unseen(() -> {
      history.delete(pod("web", "10.0.0.1"));
      history.apply(
          pod("web", "nowhere").replaceAll("uid: .*", "uid: 11111111-2222-3333-4444-555555555555"));
    });

    Await.until("the pod has gone", () -> !hasPod("web"));
    Await.until("its problem", () -> problems().size() == 1);
  }
}
