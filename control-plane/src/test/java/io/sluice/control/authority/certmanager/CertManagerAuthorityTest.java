package io.sluice.control.authority.certmanager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.IssueJournal;
import io.sluice.control.authority.IssueJournal.JournalLimits;
import io.sluice.control.authority.JournalReader;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.SigningRequest;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.certmanager.FakeIssuer.Mood;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.authority.svid.SvidRules;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Failing;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bouncycastle.asn1.x509.GeneralName;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

@Order(3)
class CertManagerAuthorityTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Duration PATIENCE = Duration.ofSeconds(4);

  /** Half as long as between two looks for what is left. */
  private static final Duration SHORT = Duration.ofSeconds(2);

  private static final String REQUESTS =
      "/apis/cert-manager.io/v1/namespaces/sluice-system/certificaterequests";

  @TempDir private Path home;
  @AutoClose private FakeCluster server;
  private final FakeIssuer issuer = new FakeIssuer();

  /** Of each request to the API server. */
  private Duration timeout = Duration.ofSeconds(20);

  @BeforeEach
  void start() throws Exception {
    server = new FakeCluster();
    server.onWrite = issuer;
  }

  @Test
  void leavesChainToTheIssuersRootAndNoObjectStays() throws Exception {
    KeyPair pair = Requests.keyPair("secp256r1");
    try (CertManagerAuthority authority = authority(List.of(), HOUR)) {
      IssuedCertificate issued = authority.sign(Requests.exact(pair, HOUR));
      TrustBundle bundle = authority.trustBundle();

      assertThat(bundle.roots()).containsExactly(issuer.issuer.root());
      assertThat(issued.chain()).hasSize(2).last().isEqualTo(issuer.issuer.certificate());
      assertThat(
              SvidRules.violation(
                  issued.chain(),
                  new SvidRules.Expectation(Requests.STORE, pair.getPublic(), HOUR, bundle.roots()),
                  Instant.now()))
          .isEmpty();
      assertThat(journalled(issued)).isTrue();
      assertThat(authority.health().condition()).isEqualTo(Condition.READY);
      assertThat(server.names()).isEmpty();
      assertThat(server.requests("POST")).isEqualTo(1);
    }
  }

  @Test
  void theObjectIsAsCertManagerDocumentsIt() {
    try (CertManagerAuthority authority = authority(List.of(), HOUR)) {
      authority.sign(exact());
      JsonNode object = issuer.last;

      assertThat(object.path("apiVersion").asText()).isEqualTo("cert-manager.io/v1");
      assertThat(object.path("kind").asText()).isEqualTo("CertificateRequest");
      JsonNode spec = object.path("spec");
      assertThat(spec.path("issuerRef"))
          .hasToString("{\"name\":\"osm-ca\",\"kind\":\"Issuer\",\"group\":\"cert-manager.io\"}");
      assertThat(spec.path("duration").asText()).isEqualTo("3600s");
      assertThat(spec.path("isCA").asBoolean(true)).isFalse();
      assertThat(spec.path("usages"))
          .hasToString("[\"digital signature\",\"server auth\",\"client auth\"]");
    }
  }

  @Test
  void rootsAreKnownBeforeTheFirstNodeAsks() {
    try (CertManagerAuthority authority = authority(List.of(), HOUR)) {
      assertThat(authority.trustBundle().roots()).containsExactly(issuer.issuer.root());
      assertThat(authority.trustBundle().roots()).hasSize(1);
      assertThat(server.requests("POST")).isEqualTo(1);
      assertThat(server.names()).isEmpty();
    }
  }

  private static GeneralName uri(String text) {
    return new GeneralName(GeneralName.uniformResourceIdentifier, text);
  }

  private record Wish(String subject, GeneralName... names) {}

  private static Stream<Wish> otherWishes() {
    GeneralName own = uri(Requests.STORE.toString());
    return Stream.of(
        new Wish("", uri("spiffe://site.example/ns/bank/sa/vault")),
        new Wish("", own, uri("spiffe://site.example/ns/bank/sa/vault")),
        new Wish("", own, new GeneralName(GeneralName.dNSName, "bank.example")),
        new Wish("", new GeneralName(GeneralName.dNSName, Requests.STORE.toString())),
        new Wish("CN=admin", own));
  }

  @ParameterizedTest
  @MethodSource("otherWishes")
  void aRequestForAnythingElseIsNotPassedOn(Wish wish) throws Exception {
    KeyPair pair = Requests.keyPair("secp256r1");
    byte[] der = Requests.naming(pair, wish.subject(), wish.names());
    try (CertManagerAuthority authority = authority(List.of(), HOUR)) {
      refuses(authority, Reason.REQUEST_MALFORMED, request(der));
      refuses(authority, Reason.REQUEST_MALFORMED, request(Requests.der(pair)));
      assertThat(server.requests("POST")).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "PENDING,BACKEND_UNAVAILABLE",
    "DENIED,BACKEND_REFUSED",
    "INVALID,BACKEND_REFUSED",
    "FAILED,BACKEND_REFUSED",
    "NOTHING,BACKEND_ANSWER_REFUSED",
    "GARBAGE,BACKEND_ANSWER_REFUSED",
    "OTHER_KEY,BACKEND_ANSWER_REFUSED",
    "TWO_URIS,BACKEND_ANSWER_REFUSED",
    "OTHER_ROOT,BACKEND_ANSWER_REFUSED",
    "TOO_LONG,BACKEND_ANSWER_REFUSED"
  })
  void whatTheIssuerDoesWrongHasAReasonAndPassesAndLeavesNothing(Mood mood, Reason reason) {
    try (CertManagerAuthority authority = authority(List.of(), HOUR)) {
      authority.sign(exact());
      TrustBundle before = authority.trustBundle();
      issuer.mood = mood;
      long begin = System.nanoTime();
      refuses(authority, reason, exact());

      assertThat(Duration.ofNanos(System.nanoTime() - begin))
          .isLessThan(AtLoad.limit(PATIENCE.plusSeconds(3)));
      Await.until("nothing is left", () -> server.names().isEmpty());
      assertThat(authority.trustBundle()).isEqualTo(before);
      issuer.mood = Mood.HONEST;
      assertThat(authority.sign(exact()).chain()).hasSize(2);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "403,BACKEND_CREDENTIAL_REFUSED,false",
    "404,BACKEND_REFUSED,false",
    "422,BACKEND_REFUSED,false",
    "409,BACKEND_UNAVAILABLE,true",
    "410,BACKEND_UNAVAILABLE,true",
    "429,BACKEND_UNAVAILABLE,true",
    "500,BACKEND_UNAVAILABLE,true",
    "Garbage,BACKEND_UNREACHABLE,true",
    "Muteness,BACKEND_UNREACHABLE,true"
  })
  void anApiServerThatDoesNotServeHasAReasonAndAnEnd(Failing how, Reason reason, boolean again) {
    timeout = SHORT;
    try (CertManagerAuthority authority = authority(List.of(), HOUR)) {
      authority.sign(exact());
      server.fail("POST", how);
      refuses(authority, reason, exact());

      assertThat(server.requests("POST") > 2).isEqualTo(again);
      server.heal("POST");
      assertThat(authority.sign(exact()).chain()).hasSize(2);
    }
  }

  @Test
  void anIssuerWithoutARootNeedsTheRootsInAFile() {
    issuer.mood = Mood.NO_ROOT;
    try (CertManagerAuthority authority = authority(List.of(), HOUR)) {
      assertThatExceptionOfType(AuthorityException.class)
          .isThrownBy(authority::trustBundle)
          .withMessageContaining("in a file");
    }
    try (CertManagerAuthority authority = authority(List.of(issuer.issuer.root()), HOUR)) {
      assertThat(authority.sign(exact()).chain()).hasSize(2);
      assertThat(authority.trustBundle().roots()).containsExactly(issuer.issuer.root());
    }
  }

  @Test
  void aNewRootIsDistributedBeforeItsLeavesAreUsed() {
    try (CertManagerAuthority authority = authority(List.of(), HOUR)) {
      TrustBundle before = authority.trustBundle();
      issuer.issuer = FakeIssuer.newIssuer();
      refuses(authority, Reason.BACKEND_UNAVAILABLE, exact());
      TrustBundle after = authority.trustBundle();

      assertThat(after.generation()).isGreaterThan(before.generation());
      assertThat(after.roots()).containsExactly(before.roots().getFirst(), issuer.issuer.root());
    }
    try (CertManagerAuthority authority = authority(List.of(), Duration.ZERO)) {
      authority.trustBundle();
      issuer.issuer = FakeIssuer.newIssuer();

      assertThat(authority.sign(exact()).chain()).hasSize(2);
      assertThat(authority.trustBundle().roots()).hasSize(2);
    }
  }

  @Test
  void leftoversOfACrashAreRemovedAndOthersObjectsAreNot() {
    server.put(REQUESTS + "/sluice-left", labelled("sluice-left", "sluice-controller"));
    server.put(REQUESTS + "/of-others", labelled("of-others", ""));
    try (CertManagerAuthority authority = authority(List.of(), HOUR, SHORT)) {
      Await.until("the leftover is removed", () -> server.get(REQUESTS + "/sluice-left").isEmpty());

      assertThat(server.get(REQUESTS + "/of-others")).isPresent();
      // One look may run out of time on a busy machine.
      Await.until("it is ready", () -> authority.health().condition() == Condition.READY);
    }
  }

  @Test
  void whatCouldNotBeRemovedAtOnceIsRemovedLater() {
    try (CertManagerAuthority authority = authority(List.of(), HOUR, SHORT)) {
      server.fail("DELETE", Failing.of("500"));
      authority.sign(exact());
      assertThat(server.names()).hasSize(1);
      server.heal("DELETE");

      Await.until("the object is removed", () -> server.names().isEmpty());
    }
  }

  @Test
  void aHundredAtOnceAllGetTheirsAndNoObjectStays() throws Exception {
    try (CertManagerAuthority authority = authority(List.of(), HOUR);
        ExecutorService nodes = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<IssuedCertificate>> all =
          IntStream.range(0, 100)
              .mapToObj(_ -> nodes.submit(() -> authority.sign(exact())))
              .toList();
      for (Future<IssuedCertificate> one : all) {
        assertThat(one.get().chain()).hasSize(2);
      }
      Await.until("no object stays", () -> server.names().isEmpty());
    }
  }

  private static ObjectNode labelled(String name, String manager) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    object
        .putObject("metadata")
        .put("name", name)
        .putObject("labels")
        .put("app.kubernetes.io/managed-by", manager);
    return object;
  }

  private static CertificateRequest exact() {
    try {
      return Requests.exact(Requests.keyPair("secp256r1"), HOUR);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static CertificateRequest request(byte[] der) {
    return new CertificateRequest(Requests.STORE, SigningRequest.parse(der), HOUR, "node-1");
  }

  private static void refuses(
      CertManagerAuthority authority, Reason reason, CertificateRequest request) {
    assertThatExceptionOfType(AuthorityException.class)
        .isThrownBy(() -> authority.sign(request))
        .satisfies(e -> assertThat(e.reason()).as(e.getMessage()).isEqualTo(reason));
  }

  private boolean journalled(IssuedCertificate issued) throws IOException {
    return JournalReader.find(home.resolve("journal"), issued.serial()).isPresent();
  }

  private CertManagerAuthority authority(List<X509Certificate> roots, Duration distributeFor) {
    return authority(roots, distributeFor, PATIENCE);
  }

  private CertManagerAuthority authority(
      List<X509Certificate> roots, Duration distributeFor, Duration patience) {
    CertManagerSettings settings =
        new CertManagerSettings(
            "sluice-system",
            CertManagerSettings.IssuerRef.DEFAULT,
            roots,
            new SvidProfile(new TrustDomain("site.example"), false, true),
            patience,
            Duration.ofHours(24),
            distributeFor);
    try {
      return new CertManagerAuthority(
          settings,
          new KubernetesApi(server.access(home), timeout),
          IssueJournal.open(home.resolve("journal"), JournalLimits.DEFAULT),
          InstantSource.system());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
