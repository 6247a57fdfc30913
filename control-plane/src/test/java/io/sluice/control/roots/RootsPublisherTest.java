package io.sluice.control.roots;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.await.Await;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.mesh.TrustDomain;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The ConfigMap by which nodes believe the controller. */
class RootsPublisherTest {
  private static final String PATH = "/api/v1/namespaces/sluice-system/configmaps/roots";
  private static final TrustDomain DOMAIN = new TrustDomain("cluster.local");
  private static final X509Certificate OLD = root();
  private static final X509Certificate NEW = root();
  private static final String OF_OTHERS =
      """
      {"apiVersion": "v1", "kind": "ConfigMap", "data": {"roots.pem": "theirs"},
       "metadata": {"name": "roots", "labels": {"app.kubernetes.io/managed-by": "%s"}}}
      """;

  @TempDir private Path home;

  private final ControllerMetrics metrics = new ControllerMetrics();
  private volatile Optional<TrustBundle> bundle =
      Optional.of(new TrustBundle(DOMAIN, 1, List.of(OLD)));
  private volatile boolean mayWrite;
  private final AtomicInteger asked = new AtomicInteger();
  private FakeCluster cluster;
  private KubernetesApi api;
  private RootsPublisher publisher;

  private static X509Certificate root() {
    return new SvidProfile(DOMAIN, false, false)
        .root(SigningKey.P256.generate(), Instant.now(), Duration.ofDays(10))
        .chain()
        .getFirst();
  }

  @BeforeEach
  void open() throws Exception {
    cluster = new FakeCluster();
    api = new KubernetesApi(cluster.access(home, "writer"), Duration.ofSeconds(4));
    publisher = publisher();
  }

  private RootsPublisher publisher() {
    return new RootsPublisher(
        api,
        "sluice-system",
        "roots",
        this::mayWrite,
        () -> bundle,
        metrics.replica(),
        Duration.ofMillis(50));
  }

  @AfterEach
  void close() {
    publisher.close();
    api.close();
    cluster.close();
  }

  private void start() {
    mayWrite = true;
  }

  private boolean mayWrite() {
    asked.incrementAndGet();
    return mayWrite;
  }

  private List<X509Certificate> said() {
    return cluster
        .get(PATH)
        .map(map -> Pem.parse(map.at("/data/roots.pem").asText(), PATH).certificates())
        .orElse(List.of());
  }

  private long sample(String name) {
    return metrics
        .text()
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(name.length() + 1)))
        .sum();
  }

  private void awaitSaid(X509Certificate... roots) {
    Await.until("the roots are said", () -> said().equals(List.of(roots)));
    Await.until("and seen", () -> sample("sluice_control_roots_published") == 1);
    assertThat(publisher.problem()).isEmpty();
  }

  private static ObjectNode object(String text) {
    return ClusterHistory.parse(text).getFirst();
  }

  private String meshId() {
    return cluster.get(PATH).map(map -> map.at("/data/mesh-id").asText()).orElse("none is there");
  }

  @Test
  void theIdOfTheMeshOutlivesARotationAndADeletion() {
    start();
    awaitSaid(OLD);
    String id = meshId();
    assertThat(id).hasSize(36);

    bundle = Optional.of(new TrustBundle(DOMAIN, 2, List.of(OLD, NEW)));
    awaitSaid(OLD, NEW);
    bundle = Optional.of(new TrustBundle(DOMAIN, 3, List.of(NEW)));
    awaitSaid(NEW);
    assertThat(meshId()).isEqualTo(id);

    cluster.remove(PATH);
    awaitSaid(NEW);
    assertThat(meshId()).isEqualTo(id);
  }

  @ParameterizedTest
  @CsvSource({"OLD, former", "NEW, another"})
  void anotherControllerGoesOnWithTheIdOnlyWhereARootIsShared(String root, String expected) {
    start();
    awaitSaid(OLD);
    String former = meshId();
    publisher.close();
    X509Certificate present = root.equals("OLD") ? OLD : NEW;
    bundle = Optional.of(new TrustBundle(DOMAIN, 1, List.of(present)));

    try (RootsPublisher next = publisher()) {
      Await.until("the roots are said", () -> said().equals(List.of(present)));
      Await.until("and seen", () -> sample("sluice_control_roots_published") == 1);
      assertThat(next.problem()).isEmpty();
      assertThat(meshId().equals(former)).isEqualTo(expected.equals("former"));
      assertThat(meshId()).hasSize(36);
    }
  }

  @Test
  void rootsThatAreReplacedAtOnceAreAnotherMeshs() {
    start();
    awaitSaid(OLD);
    String former = meshId();

    bundle = Optional.of(new TrustBundle(DOMAIN, 2, List.of(NEW)));

    awaitSaid(NEW);
    assertThat(meshId()).hasSize(36).isNotEqualTo(former);
  }

  @Test
  void followsTheRootsOverARotation() {
    bundle = Optional.empty();
    start();
    bundle = Optional.of(new TrustBundle(DOMAIN, 1, List.of(OLD)));
    awaitSaid(OLD);

    bundle = Optional.of(new TrustBundle(DOMAIN, 2, List.of(OLD, NEW)));
    awaitSaid(OLD, NEW);

    bundle = Optional.of(new TrustBundle(DOMAIN, 3, List.of(NEW)));
    awaitSaid(NEW);
    JsonNode map = cluster.get(PATH).orElseThrow();
    assertThat(map.at("/metadata/labels/app.kubernetes.io~1managed-by").asText())
        .isEqualTo("sluice-controller");
    assertThat(cluster.writes()).hasSize(3);
  }

  /** By another controller of the same authority: the order of roots means nothing. */
  @Test
  void leavesAloneWhatSaysTheSameInAnotherOrder() {
    bundle = Optional.of(new TrustBundle(DOMAIN, 1, List.of(OLD, NEW)));
    start();
    awaitSaid(OLD, NEW);
    mayWrite = false;
    Await.until("it has left it", () -> sample("sluice_control_roots_published") == 0);

    bundle = Optional.of(new TrustBundle(DOMAIN, 7, List.of(NEW, OLD)));
    start();

    awaitSaid(OLD, NEW);
    assertThat(cluster.writes()).hasSize(1);
  }

  @Test
  void comesBackWhereItWasDeleted() {
    start();
    awaitSaid(OLD);

    cluster.remove(PATH);

    awaitSaid(OLD);
    Await.until(
        "both writes are counted",
        () -> sample("osm_reconciliation_total{kind=\"ConfigMap\",}") == 2);
  }

  @Test
  void mendsItsOwnAndKeepsWhatOthersHaveAdded() {
    cluster.put(
        PATH, object(OF_OTHERS.formatted("sluice-controller").replace("}\n", ", \"kept\": 1}")));

    start();

    awaitSaid(OLD);
    assertThat(cluster.get(PATH).orElseThrow().path("kept").asInt()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Helm", ""})
  void leavesSomebodyElsesAloneAndSaysSoUntilItIsGone(String owner) {
    cluster.put(PATH, object(OF_OTHERS.formatted(owner)));

    start();

    Await.until("a problem", () -> publisher.problem().isPresent());
    assertThat(publisher.problem().orElse(""))
        .contains("ConfigMap sluice-system/roots was made by somebody else")
        .contains("delete it or give it the label");
    assertThat(sample("sluice_control_roots_published")).isZero();
    assertThat(cluster.writes()).isEmpty();
    cluster.remove(PATH);
    awaitSaid(OLD);
  }

  @Test
  void onlyTheOneThatHoldsTheLeaseWrites() {
    cluster.fail("configmaps", new Failing.Status(500, ""));
    bundle = Optional.of(new TrustBundle(DOMAIN, 2, List.of(NEW)));
    Await.until("some rounds", () -> asked.get() > 3);
    assertThat(publisher.problem()).as("of the server, which fails").isEmpty();
    assertThat(sample("sluice_control_roots_published")).isZero();

    cluster.heal("configmaps");
    start();

    awaitSaid(NEW);
  }

  @ParameterizedTest
  @CsvSource({
    "403, forbidden, 'resources: [configmaps], resourceNames: [roots], verbs: [get, update]'",
    "429, unavailable, it is tried again",
    "503, unavailable, it is tried again",
    "422, rejected, delete the ConfigMap"
  })
  void saysWhatItCannotDoAndDoesItOnceItCan(int status, String result, String mend) {
    cluster.fail("configmaps", new Failing.Status(status, ""));

    start();

    Await.until("a problem", () -> publisher.problem().isPresent());
    assertThat(publisher.problem().orElse("")).contains("answered " + status).contains(mend);
    assertThat(sample("sluice_control_roots_writes_total{result=\"" + result + "\",}"))
        .isPositive();
    cluster.heal("configmaps");
    awaitSaid(OLD);
  }

  @Test
  void looksAgainWhereSomebodyWasFirst() {
    cluster.fail("configmaps", new Failing.Status(409, ""));
    start();
    String conflicts = "sluice_control_roots_writes_total{result=\"conflict\",}";
    Await.until("two tries", () -> sample(conflicts) > 1);

    cluster.heal("configmaps");

    awaitSaid(OLD);
  }
}
