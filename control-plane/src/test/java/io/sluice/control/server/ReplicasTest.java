package io.sluice.control.server;

import static io.sluice.control.kubernetes.SiteManifests.config;
import static io.sluice.control.kubernetes.SiteManifests.pod;
import static io.sluice.control.kubernetes.SiteManifests.route;
import static io.sluice.control.kubernetes.SiteManifests.target;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.control.Controller;
import io.sluice.control.ControllerSettings;
import io.sluice.control.ReplicaSettings;
import io.sluice.control.ReplicaState;
import io.sluice.control.StateDirectory;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.certmanager.FakeIssuer;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Write;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.control.kubernetes.SiteManifests;
import io.sluice.control.lease.LeaseTimes;
import io.sluice.mesh.Marker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole controllers of one cluster beside each other. */
class ReplicasTest {
  private static final String NODE = "spiffe://cluster.local/ns/sluice-system/sa/node.";
  private static final LeaseTimes QUICK =
      new LeaseTimes(
          Duration.ofMillis(3_000),
          Duration.ofMillis(1_500),
          Duration.ofMillis(600),
          Duration.ofMillis(200),
          Duration.ofMillis(1_000));

  private static final String OTHER_POLICY =
      """
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: HTTPRouteGroup
      metadata: {name: books, namespace: shop}
      spec: {matches: [{name: buy, pathRegex: /buy, methods: [GET]}]}
      """;

  @TempDir private Path home;

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final ClusterHistory history = new ClusterHistory();
  private FakeCluster cluster;
  private Path certManager;

  @BeforeEach
  void start() throws Exception {
    cluster = new FakeCluster(history);
    open.push(cluster);
    FakeCluster issuing = new FakeCluster();
    open.push(issuing);
    issuing.onWrite = new FakeIssuer();
    issuing.kubeconfig(home);
    certManager =
        Files.writeString(
            home.resolve("authority.yaml"),
            "certManager: {namespace: mesh, kubeconfig: '%s'}"
                .formatted(home.resolve("kubeconfig")));
    history.apply(config(false));
    history.apply(pod("web", "10.0.0.1"));
    history.apply(pod("db", "10.0.0.2"));
    history.apply(route("[8080]"));
    history.apply(target("web", "db"));
  }

  @AfterEach
  void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  private Controller controller(String name, @Nullable Path authorityFile) throws IOException {
    Path own = Files.createDirectories(home.resolve(name));
    Controller controller =
        Controller.start(
            new ControllerSettings(
                own.resolve("state"),
                authorityFile,
                ControlSite.LEAF,
                ControlSite.NODE,
                Duration.ofSeconds(2),
                ControlSite.defaults(),
                null),
            new KubernetesRegistry(cluster.access(own, name), CompilerSettings.USUAL, _ -> {}),
            new ReplicaSettings(cluster.access(own, name), name, QUICK, "roots"),
            InstantSource.system());
    open.push(controller);
    return controller;
  }

  private void end(Controller controller) {
    open.remove(controller);
    controller.close();
  }

  private static ReplicaState standing(Controller controller) {
    return controller.status().replica().orElseThrow();
  }

  private static void awaitHolder(Controller controller) {
    Await.until("it holds the lease", () -> standing(controller).lease().held());
  }

  private void awaitWritten(String manifest, String by) {
    String name = "/" + manifest.replaceFirst("(?s).*?name: ([-a-z]+),.*", "$1") + "/status";
    Await.until(
        "a status of " + name + " by " + by,
        () ->
            cluster.statuses().stream()
                .anyMatch(write -> write.caller().equals(by) && write.path().endsWith(name)));
  }

  @Test
  void oneWritesAndAnotherTakesOverWhereItIsCutOffWhileBothServeNodes() throws Exception {
    Controller first = controller("a", certManager);
    awaitHolder(first);
    Controller second = controller("b", certManager);
    try (NodeClient toFirst = joined(first, "a");
        NodeClient toSecond = NodeClient.stranger(second.port(), rootHash("b"))) {
      FollowingNode node = FollowingNode.prompt(toFirst).awaitPod("db");
      awaitWritten(target("web", "db"), "a");
      assertThat(standing(second).lease().held()).isFalse();

      cluster.partition("a");
      awaitHolder(second);
      history.apply(OTHER_POLICY);
      awaitWritten(OTHER_POLICY, "b");

      assertThat(standing(first).lease().held()).isFalse();
      assertThat(node.hasEnded()).isFalse(); // who cannot write serves as before
      end(first);
      node.awaitEnd();
      toSecond.showing(toFirst.key(), toFirst.chain());
      FollowingNode again = FollowingNode.again(toSecond, node).awaitChanges(1);
      assertThat(again.holds()).isEqualTo(node.holds());
      assertThat(again.bytes()).as("no resource is sent again but the marker").isLessThan(200);
      Await.until(
          "the second counts the node", () -> second.status().nodes().getFirst().revision() > 0);
    }
    List<String> writers = cluster.writes().stream().map(Write::caller).toList();
    int handover = writers.indexOf("b");
    assertThat(writers.subList(0, handover)).containsOnly("a");
    assertThat(writers.subList(handover, writers.size())).containsOnly("b");
  }

  @Test
  void policyTellsWithinFiveSecondsThatEveryNodeEnforcesItAndWhoWinsAConflict() throws Exception {
    Controller controller = controller("a", null);
    awaitHolder(controller);
    history.apply(pod("till", "10.0.0.3").replace("edge-1", "edge-2"));
    try (NodeClient prompt = joined(controller, "a", "edge-1");
        NodeClient slow = joined(controller, "a", "edge-2")) {
      FollowingNode.prompt(prompt).awaitPod("db");
      FollowingNode second = FollowingNode.prompt(slow).awaitPod("till");
      String policy = target("web", "till");

      long applied = System.nanoTime();
      history.apply(policy);
      awaitProgrammed(policy, "True: enforced by 2 of 2 nodes");
      assertThat(Duration.ofNanos(System.nanoTime() - applied))
          .isLessThan(AtLoad.limit(Duration.ofSeconds(5)));

      second.refuseFromNowOn(List.of("no room"));
      history.apply(policy.replace("name: web,", "name: db,"));
      awaitProgrammed(
          policy,
          "False: enforced by 1 of 2 nodes; node edge-2 could not use a change and goes on with"
              + " what it had: no room");

      String rival = config(true).replace("sluice-mesh-config", "fsm-mesh-config");
      history.apply(rival);
      awaitCondition(
          rival,
          "Accepted",
          "False: MeshConfig sluice-system/sluice-mesh-config is the MeshConfig in force");
      awaitProgrammed(rival, "False: see the condition Accepted");
    }
  }

  private void awaitProgrammed(String manifest, String said) {
    awaitCondition(manifest, "Programmed", said);
  }

  private void awaitCondition(String manifest, String type, String said) {
    Await.until(
        type + " is " + said + " in " + history.stored(manifest),
        () -> {
          for (JsonNode one : history.stored(manifest).at("/status/conditions")) {
            String now = one.path("status").asText() + ": " + one.path("message").asText();
            if (one.path("type").asText().equals(type) && now.startsWith(said)) {
              return true;
            }
          }
          return false;
        });
  }

  @Test
  void alertsOfOpenServiceMeshSeeWhatIsSo() throws Exception {
    history.apply(pod("till", "10.0.0.3").replace("edge-1", "edge-2"));
    Controller controller = controller("a", null);
    awaitHolder(controller);
    String updates = "osm_proxy_config_update_time_count{resource_type=\"" + Marker.TYPE_URL;
    try (NodeClient first = joined(controller, "a", "edge-1")) {
      FollowingNode.prompt(first).awaitPod("db");
      double errors = osm(controller, "osm_error_err_code_count{err_code=\"change_refused\",}");
      double issued = osm(controller, "osm_cert_issued_count");
      assertThat(osm(controller, "osm_cert_issued_time_count")).isEqualTo(issued).isPositive();

      try (NodeClient other = joined(controller, "a", "edge-2")) {
        FollowingNode second = FollowingNode.prompt(other).awaitPod("till");
        awaitOsm(controller, "osm_proxy_connect_count", 2);
        awaitOsm(controller, updates + "\",success=\"true\",}", 2);
        assertThat(osm(controller, "osm_cert_issued_count")).isEqualTo(issued + 1);
        assertThat(osm(controller, "osm_proxy_reconnect_count")).isZero();
        second.refuseFromNowOn(List.of("no room"));
        history.apply(pod("till", "10.0.0.4").replace("edge-1", "edge-2"));
        awaitOsm(controller, updates + "\",success=\"false\",}", 1);
        assertThat(osm(controller, "osm_error_err_code_count{err_code=\"change_refused\",}"))
            .isGreaterThan(errors);
      }

      awaitOsm(controller, "osm_proxy_connect_count", 1);
      FollowingNode.prompt(first).awaitPod("db");
      awaitOsm(controller, "osm_proxy_reconnect_count", 1);
    }
    awaitOsm(controller, "osm_proxy_connect_count", 0);
    assertThat(osm(controller, "osm_resource_namespace_count")).isEqualTo(1);
    history.apply(SiteManifests.namespace("bank", "enabled") + "---\n" + pod("vault", "10.0.0.5"));
    awaitOsm(controller, "osm_resource_namespace_count", 2);
    assertThat(osm(controller, "osm_k8s_api_event_count{type=\"pod-added\",namespace=\"shop\",}"))
        .isEqualTo(4);
    awaitOsm(controller, "osm_k8s_api_event_count{type=\"pod-updated\",namespace=\"shop\",}", 1);
    awaitOsm(controller, "osm_k8s_api_event_count{type=\"namespace-added\",namespace=\"\",}", 1);
    String retries = "osm_feature_flag_enabled{feature_flag=\"enableRetryPolicy\",}";
    assertThat(osm(controller, retries)).isZero();
    history.apply(
        config(false).replace("spec: {", "spec: {featureFlags: {enableRetryPolicy: true}, "));
    awaitOsm(controller, retries, 1);
    awaitOsm(controller, "osm_events_queued", 0);
    awaitOsm(controller, "osm_reconciliation_total{kind=\"ConfigMap\",}", 1);
  }

  private static double osm(Controller controller, String series) {
    return controller
        .metrics()
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .sum();
  }

  private static void awaitOsm(Controller controller, String series, double value) {
    Await.until(series + " is " + value, () -> osm(controller, series) == value);
  }

  private NodeClient joined(Controller controller, String name) throws Exception {
    return joined(controller, name, "edge-1");
  }

  private NodeClient joined(Controller controller, String name, String nodeName) throws Exception {
    Await.until("the controller is ready", controller::isReady);
    Await.until("its roots are written", () -> Files.exists(bundle(name)));
    NodeClient node = NodeClient.stranger(controller.port(), rootHash(name));
    KeyPair own = Requests.keyPair("secp256r1");
    String token =
        StateDirectory.at(home.resolve(name).resolve("state"))
            .joinTokens(InstantSource.system())
            .create(nodeName, Duration.ofHours(1));
    List<X509Certificate> chain =
        NodeClient.chain(
            node.admit(nodeName, token, NodeClient.request(own, List.of(NODE + nodeName)))
                .getCertificate());
    return node.showing(own, chain);
  }

  private Path bundle(String name) {
    return home.resolve(name).resolve("state").resolve("trust-bundle.pem");
  }

  private String rootHash(String name) {
    Await.until("its roots are written", () -> Files.exists(bundle(name)));
    return StateDirectory.at(home.resolve(name).resolve("state")).rootHash();
  }

  @Test
  void authorityOfItsOwnIsForAControllerThatIsAlone() throws Exception {
    Controller first = controller("a", null);
    awaitHolder(first);

    assertThatIllegalStateException()
        .isThrownBy(() -> controller("b", null))
        .withMessageContaining("controller a_")
        .withMessageContaining("stop one of them, or let both use Vault or cert-manager");

    end(first);
    Controller second = controller("b", null);
    awaitHolder(second);
    assertThat(standing(second).problems()).isEmpty();
  }

  @Test
  void rootIsChangedByTheHolderAlone() throws Exception {
    Controller controller = controller("a", null);
    awaitHolder(controller);
    controller.rotateRoot();
    assertThat(controller.status().rotation().orElse("")).contains("istribut");

    cluster.partition("a");
    Await.until("it stops to hold the lease", () -> !standing(controller).lease().held());

    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(controller::cancelRotation)
        .withMessageContaining("does not hold the lease sluice-controller");
  }

  @Test
  void holderPublishesTheRootsAndBothDuringAChange() throws Exception {
    Controller controller = controller("a", null);
    awaitRoots(1);

    controller.rotateRoot();

    awaitRoots(2);
    assertThat(standing(controller).problems()).isEmpty();
  }

  private void awaitRoots(int count) {
    Await.until(
        count + " roots in the ConfigMap",
        () ->
            cluster
                    .get("/api/v1/namespaces/sluice-system/configmaps/roots")
                    .map(map -> map.at("/data/roots.pem").asText())
                    .orElse("")
                    .split("BEGIN CERTIFICATE")
                    .length
                == count + 1);
  }
}
