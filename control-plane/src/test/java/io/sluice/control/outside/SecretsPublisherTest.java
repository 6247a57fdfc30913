package io.sluice.control.outside;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.settings.Authorities;
import io.sluice.control.authority.settings.AuthoritySettings;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.compile.OutsideCertificate;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.objects.Birth;
import io.sluice.control.objects.ObjectMeta;
import io.sluice.control.objects.ObjectRef;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.SiteTime;
import io.sluice.mesh.svid.SvidJudge;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Secrets with certificates of clients outside the mesh, at a real API over a fake of its store.
 */
class SecretsPublisherTest {
  private static final TrustDomain DOMAIN = new TrustDomain("cluster.local");
  private static final String PATH = "/api/v1/namespaces/shop/secrets/client";
  private static final ObjectRef ACCESS_CERT =
      new ObjectRef("policy.openservicemesh.io", "AccessCert", "shop", "client");
  private static final OutsideCertificate WISH = wish(ACCESS_CERT, "client.shop.cluster.local");
  private static final String OF_OTHERS =
      """
      {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"tls.key": "dGhlaXJz"},
       "metadata": {"name": "client", "namespace": "shop",
                    "labels": {"app.kubernetes.io/managed-by": "%s"},
                    "annotations": {"sluice.io/certificate-of": "%s"}}}
      """;

  @TempDir private Path home;

  private volatile Instant now = Instant.now();
  private volatile List<OutsideCertificate> wishes = List.of(WISH);
  private volatile Optional<Set<NamespacedName>> accounts = Optional.of(Set.of());
  private volatile boolean mayWrite = true;
  private volatile Runnable beforeWrite = () -> {};
  private final AtomicInteger rounds = new AtomicInteger();
  private FakeCluster cluster;
  private KubernetesApi api;
  private CertificateAuthority authority;
  private SecretsPublisher publisher;
  private final ControllerMetrics metrics = new ControllerMetrics();

  private static OutsideCertificate wish(ObjectRef owner, String... names) {
    return new OutsideCertificate(
        new ObjectMeta(owner, Map.of(), Map.of(), false, new Birth(1, "uid-1"), "", 0),
        List.of(names),
        Duration.ofHours(24),
        new NamespacedName("shop", "client"));
  }

  @BeforeEach
  void open() throws Exception {
    cluster = new FakeCluster();
    api = new KubernetesApi(cluster.access(home, "writer"), Duration.ofSeconds(4));
    authority =
        Authorities.open(AuthoritySettings.builtIn(DOMAIN, home.resolve("authority")), () -> now);
    publisher = publisher();
  }

  private SecretsPublisher publisher() {
    return new SecretsPublisher(
        api,
        () -> {
          beforeWrite.run();
          return mayWrite;
        },
        new SecretsPublisher.Wishes(() -> wishes, () -> accounts),
        () -> {
          rounds.incrementAndGet();
          return Optional.of(authority.trustBundle());
        },
        authority,
        metrics.replica(),
        () -> now,
        Duration.ofMillis(50));
  }

  @AfterEach
  void close() {
    publisher.close();
    authority.close();
    api.close();
    cluster.close();
  }

  private static Pem pem(JsonNode secret, String key) {
    return Pem.parse(
        new String(
            Base64.getDecoder().decode(secret.path("data").path(key).asText()),
            StandardCharsets.US_ASCII),
        key);
  }

  private JsonNode awaitSecret() {
    Await.until("the Secret is there", () -> cluster.get(PATH).isPresent());
    return cluster.get(PATH).orElseThrow();
  }

  private X509Certificate leaf() {
    return pem(awaitSecret(), "tls.crt").certificates().getFirst();
  }

  private String problem() {
    Await.until("it is told", () -> publisher.problems().containsKey(ACCESS_CERT));
    return Optional.ofNullable(publisher.problems().get(ACCESS_CERT))
        .map(ObjectStatus::sentence)
        .orElse("");
  }

  private static ObjectNode object(String text) {
    return ClusterHistory.parse(text).getFirst();
  }

  @Test
  void aClientProvesItsNamesWithWhatIsInTheSecret() throws Exception {
    JsonNode secret = awaitSecret();

    assertThat(secret.path("type").asText()).isEqualTo("kubernetes.io/tls");
    assertThat(secret.at("/metadata/ownerReferences/0/uid").asText()).isEqualTo("uid-1");
    List<X509Certificate> chain = pem(secret, "tls.crt").certificates();
    List<X509Certificate> roots = pem(secret, "ca.crt").certificates();
    TrustBundle bundle = authority.trustBundle();
    assertThat(roots).isEqualTo(bundle.roots());
    assertThat(SvidJudge.of(DOMAIN, roots).principals(chain, SiteTime.of(() -> now)))
        .containsExactly("client.shop.cluster.local");
    assertThat(chain.getFirst().getExtendedKeyUsage()).containsExactly("1.3.6.1.5.5.7.3.2");
    assertFits(chain.getFirst(), pem(secret, "tls.key").keys().getFirst());
    assertThat(publisher.problems()).isEmpty();
    Await.until(
        "the write is counted",
        () -> metrics.text().contains("osm_reconciliation_total{kind=\"Secret\",} 1.0"));
  }

  private static void assertFits(X509Certificate leaf, PrivateKey key) throws Exception {
    Signature signature = Signature.getInstance("SHA256withECDSA");
    signature.initSign(key);
    signature.update((byte) 1);
    byte[] signed = signature.sign();
    signature.initVerify(leaf.getPublicKey());
    signature.update((byte) 1);
    assertThat(signature.verify(signed)).isTrue();
  }

  @Test
  void isIssuedAnewWithAThirdOfItsLifeLeft() {
    X509Certificate first = leaf();
    now = now.plus(Duration.ofHours(15));
    awaitLooks();
    assertThat(leaf()).isEqualTo(first);

    now = now.plus(Duration.ofHours(2));

    Await.until("it is another", () -> !leaf().equals(first));
    assertThat(leaf().getNotAfter().toInstant()).isAfter(now.plus(Duration.ofHours(23)));
  }

  private void awaitLooks() {
    int before = cluster.requests("GET");
    Await.until("it is looked at", () -> cluster.requests("GET") > before + 2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"names", "damaged", "deleted"})
  void whatIsNotAsItShouldBeIsIssuedAnew(String what) {
    X509Certificate first = leaf();

    switch (what) {
      case "names" -> wishes = List.of(wish(ACCESS_CERT, "other.shop.cluster.local"));
      case "damaged" -> {
        ObjectNode secret = awaitSecret().deepCopy();
        secret.withObject("/data").put("tls.key", "AAAA");
        cluster.put(PATH, secret);
      }
      default -> cluster.remove(PATH);
    }

    Await.until("there is another", () -> cluster.get(PATH).isPresent() && !leaf().equals(first));
  }

  @ParameterizedTest
  @Tag("attack")
  @ValueSource(strings = {"helm;AccessCert/shop/client", "sluice-controller;AccessCert/shop/other"})
  void whatIsSomebodyElsesIsLeftAlone(String marks) {
    mayWrite = false;
    publisher.close();
    cluster.remove(PATH);
    String theirs = OF_OTHERS.formatted((Object[]) marks.split(";"));
    cluster.put(PATH, object(theirs));
    mayWrite = true;

    publisher = publisher();

    assertThat(problem()).contains("is somebody else's and is left as it is");
    wishes = List.of();
    Await.until("it is forgotten", () -> publisher.problems().isEmpty());
    assertThat(awaitSecret().at("/data/tls.key").asText()).isEqualTo("dGhlaXJz");
    Attack.tried("an AccessCert for a Secret of somebody else: " + marks)
        .refusedBy("SecretsPublisher, which neither writes nor removes it")
        .countedAs("status error");
  }

  @Test
  void goesWithWhoAskedForIt() {
    awaitSecret();

    wishes = List.of();

    Await.until("the Secret is gone", () -> cluster.get(PATH).isEmpty());
  }

  /** Somebody takes its place just before it is removed. */
  @Test
  void whatIsSomebodyElsesByNowIsNotRemoved() {
    awaitSecret();
    beforeWrite =
        () -> {
          boolean isRemoval =
              StackWalker.getInstance()
                  .walk(frames ->
                      frames.anyMatch(frame -> frame.getMethodName().equals("removeOthers")));
          if (isRemoval) {
            cluster.put(PATH, object(OF_OTHERS.formatted("helm", "")));
          }
        };

    wishes = List.of();

    int begun = rounds.get();
    Await.until("it has looked", () -> rounds.get() > begun + 2);
    assertThat(awaitSecret().at("/data/tls.key").asText()).isEqualTo("dGhlaXJz");
  }

  @Test
  @Tag("attack")
  void aNameThatWouldPassForAWorkloadIsTakenAway() {
    awaitSecret();

    accounts = Optional.of(Set.of(new NamespacedName("shop", "client")));

    assertThat(problem()).contains("would pass for a workload of the mesh");
    Await.until("the Secret is gone", () -> cluster.get(PATH).isEmpty());
    Attack.tried("an AccessCert with the DNS name of a workload's account")
        .refusedBy("SecretsPublisher, which removes the Secret")
        .countedAs("status error");
  }

  /** Whose name it is cannot be told before. */
  @Test
  void nothingIsIssuedBeforeAllWorkloadsAreRead() {
    publisher.close();
    cluster.remove(PATH);
    accounts = Optional.empty();
    int before = cluster.requests("POST");
    publisher = publisher();
    int begun = rounds.get();
    Await.until("it has looked", () -> rounds.get() > begun + 2);
    assertThat(cluster.requests("POST")).isEqualTo(before);

    accounts = Optional.of(Set.of());

    awaitSecret();
  }

  /** A Secret that is immutable, say: the journal would be full of certificates that nobody has. */
  @Test
  @Tag("attack")
  void whatCannotBeWrittenIsSignedOnce() throws Exception {
    X509Certificate first = leaf();
    long signed = signed();
    int before = cluster.requests("PUT");
    cluster.fail("PUT", new Failing.Status(422, ""));

    wishes = List.of(wish(ACCESS_CERT, "other.shop.cluster.local"));

    Await.until("it was tried twice", () -> cluster.requests("PUT") >= before + 2);
    assertThat(signed()).isEqualTo(signed + 1);
    cluster.heal("PUT");
    Await.until("it is written", () -> !leaf().equals(first));
    assertThat(signed()).isEqualTo(signed + 1);
    Attack.tried("an AccessCert for a Secret that cannot be changed")
        .refusedBy("SecretsPublisher, which keeps what was signed")
        .countedAs("status error");
  }

  @Test
  @Tag("attack")
  void aNamespaceHasItsRateOfSignings() throws Exception {
    awaitSecret();
    long signed = signed();

    wishes =
        Stream.concat(
                IntStream.range(0, SigningRate.MOST).mapToObj(i -> wish("shop", "c" + i)),
                Stream.of(wish("bank", "c")))
            .toList();

    Await.until("one waits", () -> publisher.problems().size() == 1);
    assertThat(publisher.problems().values().iterator().next().sentence())
        .contains("too many certificates of namespace shop");
    assertThat(signed()).isEqualTo(signed + SigningRate.MOST);
    assertThat(cluster.get("/api/v1/namespaces/bank/secrets/c")).isPresent();
    Attack.tried("AccessCerts that are made over and over")
        .refusedBy("SecretsPublisher, which waits")
        .countedAs("status error");
  }

  private static OutsideCertificate wish(String namespace, String name) {
    ObjectRef owner = new ObjectRef("policy.openservicemesh.io", "AccessCert", namespace, name);
    return new OutsideCertificate(
        new ObjectMeta(owner, Map.of(), Map.of(), false, new Birth(1, "uid-1"), "", 0),
        List.of(name + "." + namespace + ".cluster.local"),
        Duration.ofHours(24),
        new NamespacedName(namespace, name));
  }

  /** Entries of the journal. */
  private long signed() throws IOException {
    try (Stream<Path> files = Files.walk(home)) {
      Path journal = files.filter(file -> file.endsWith("issued.jsonl")).findFirst().orElseThrow();
      return Files.readAllLines(journal).size();
    }
  }

  @Test
  void onlyWhoMayWriteDoes() {
    mayWrite = false;
    publisher.close();
    cluster.remove(PATH);
    int before = cluster.requests("POST");
    publisher = publisher();
    mayWrite = false;
    publisher.close();

    assertThat(cluster.requests("POST")).isEqualTo(before);
    mayWrite = true;
    publisher = publisher();
    awaitSecret();
  }

  /** Another controller goes on with the certificate that it finds. */
  @Test
  void theNextHolderOfTheLeaseTakesItOver() {
    X509Certificate first = leaf();
    publisher.close();

    publisher = publisher();

    awaitLooks();
    assertThat(leaf()).isEqualTo(first);
  }

  @Test
  void tellsWhatToAllowWhereItMayNot() {
    mayWrite = false;
    publisher.close();
    cluster.remove(PATH);
    cluster.fail("secrets", new Failing.Status(403, ""));
    mayWrite = true;

    publisher = publisher();

    assertThat(problem())
        .contains("{namespace: shop, names: [client]}", "controller.certificateSecrets");
  }
}
