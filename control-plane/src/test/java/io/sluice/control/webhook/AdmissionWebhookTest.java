package io.sluice.control.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.control.authority.Requests;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.PodRangeRule;
import io.sluice.mesh.NamespaceMembership;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Asked over real HTTPS, as an API server that trusts the certificate by {@code caBundle}. */
class AdmissionWebhookTest {
  private static final String NAME = "localhost";
  private static final String REVIEW =
      """
      {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
       "request": {"uid": "u-1", "operation": "CREATE", "object": %s}}
      """;
  private static final String TARGET =
      """
      {"apiVersion": "access.smi-spec.io/v1alpha3", "kind": "TrafficTarget",
       "metadata": {"name": "web", "namespace": "shop"},
       "spec": {"destination": {"kind": "ServiceAccount", "name": "web"},
                "sources": [{"kind": "ServiceAccount", "name": "db", "namespace": "shop"}],
                "rules": [{"kind": "TCPRoute", "name": "main"}]}}
      """;

  private static final Map<String, NamespaceMembership> MEMBERSHIPS =
      Map.of("shop", NamespaceMembership.INSIDE, "moving", NamespaceMembership.MIXED);

  @TempDir private Path directory = Path.of("");
  private final CountDownLatch interrupted = new CountDownLatch(1);
  private Instant now = Instant.now();
  private AdmissionWebhook webhook;
  private HttpClient client;

  @BeforeEach
  void start() throws Exception {
    webhook = startWith(Duration.ofSeconds(10), true);
    client = clientThatTrusts(own());
  }

  private AdmissionWebhook startWith(Duration patience, boolean validateTrafficTarget) {
    return AdmissionWebhook.start(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
        SelfSigned.in(directory.resolve("webhook"), NAME, () -> now),
        new CompilerSettings(
            "sluice-system", PodRangeRule.AUTO, Set.of(), null, validateTrafficTarget),
        this::membership,
        null,
        patience);
  }

  private NamespaceMembership membership(String namespace) {
    if (namespace.equals("hanging")) {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        interrupted.countDown();
      }
    }
    return MEMBERSHIPS.getOrDefault(namespace, NamespaceMembership.OUTSIDE);
  }

  @AfterEach
  void stop() {
    client.close();
    webhook.close();
  }

  @Test
  void admitsWhatTheMeshCanUse() throws Exception {
    JsonNode response = review(TARGET);

    assertThat(response.path("uid").asText()).isEqualTo("u-1");
    assertThat(response.path("allowed").asBoolean()).isTrue();
    assertThat(response.has("status")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "\"name\": \"main\"; \"name\": 5; TrafficTarget shop/web: spec.rules[0].name: this is an integer",
        "TCPRoute; SCTPRoute; spec.rules[0].kind: SCTPRoute is not known; use a TCPRoute, a",
        "\"rules\"; \"ruels\"; spec.ruels: no such field is known",
        "\"web\", \"names; \"Web\", \"names; metadata.name: 'Web' is not the name of an object",
      })
  void refusesWithFieldAndMendWhatTheMeshCannotUse(String before, String after, String told)
      throws Exception {
    JsonNode response = review(TARGET.replace(before, after));

    assertThat(response.path("allowed").asBoolean()).isFalse();
    assertThat(response.path("status").path("code").asInt()).isEqualTo(422);
    assertThat(response.path("status").path("message").asText()).contains(told);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aTargetOutsideItsDestinationsNamespaceIsRefusedUnlessTheSwitchIsOff(boolean validate)
      throws Exception {
    webhook.close();
    webhook = startWith(Duration.ofSeconds(10), validate);

    JsonNode response =
        review(
            TARGET.replace("\"name\": \"web\"},", "\"name\": \"web\", \"namespace\": \"bank\"},"));

    assertThat(response.path("allowed").asBoolean()).isEqualTo(!validate);
    assertThat(response.path("status").path("message").asText())
        .contains(validate ? "spec.destination.namespace: is bank, not shop" : "");
  }

  /** Another mesh may read what this one could not use. */
  @ParameterizedTest
  @CsvSource({"shop, false, 0", "moving, true, 1", "elsewhere, true, 0", "'', true, 0"})
  void refusesOnlyWhereThePodsAreInThisMesh(String namespace, boolean isAllowed, int warnings)
      throws Exception {
    JsonNode response =
        review(
            TARGET
                .replace("TCPRoute", "SCTPRoute")
                .replace("\"namespace\": \"shop\"}", "\"namespace\": \"" + namespace + "\"}"));

    assertThat(response.path("allowed").asBoolean()).isEqualTo(isAllowed);
    assertThat(response.path("warnings")).hasSize(warnings);
    assertThat(response.toString().contains("SCTPRoute is not known"))
        .isEqualTo(!isAllowed || warnings > 0);
  }

  @Test
  void warnsOfAMeshConfigThatCannotGovern() throws Exception {
    JsonNode elsewhere = review(meshConfig("shop", "{}"));
    JsonNode own = review(meshConfig("sluice-system", "{}"));
    JsonNode broken = review(meshConfig("sluice-system", "{\"trafic\": {}}"));

    assertThat(elsewhere.path("allowed").asBoolean()).isTrue();
    assertThat(elsewhere.path("warnings").toString())
        .contains("only a MeshConfig of namespace sluice-system governs this mesh");
    assertThat(own.path("allowed").asBoolean()).isTrue();
    assertThat(own.path("warnings")).isEmpty();
    assertThat(broken.path("allowed").asBoolean()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"maybe, false", "enabled, true", "disabled, true"})
  void refusesANamespaceWhoseWordSaysNeither(String word, boolean isAllowed) throws Exception {
    JsonNode response =
        review(
            """
            {"apiVersion": "v1", "kind": "Namespace",
             "metadata": {"name": "new", "labels": {"sluice.io/mesh": "%s"}}}
            """
                .formatted(word));

    assertThat(response.path("allowed").asBoolean()).isEqualTo(isAllowed);
    assertThat(response.path("status").path("message").asText())
        .contains(isAllowed ? "" : "'maybe' says neither that the mesh is wanted")
        .contains(isAllowed ? "" : "write enabled or disabled");
  }

  private static String meshConfig(String namespace, String spec) {
    return """
    {"apiVersion": "config.sluice.io/v1alpha1", "kind": "MeshConfig",
     "metadata": {"name": "sluice-mesh-config", "namespace": "%s"}, "spec": %s}
    """
        .formatted(namespace, spec);
  }

  @Test
  void warnsOfWhatHasNoEffectInPart() throws Exception {
    JsonNode response =
        review(
            TARGET.replace(
                "\"sources\": [", "\"sources\": [{\"kind\": \"Group\", \"name\": \"x\"}, "));

    assertThat(response.path("allowed").asBoolean()).isTrue();
    assertThat(response.path("warnings"))
        .singleElement()
        .satisfies(warning ->
            assertThat(warning.asText())
                .isEqualTo(
                    "sluice: TrafficTarget shop/web: spec.sources[0].kind: is Group; a source is a"
                        + " ServiceAccount, or an AuthenticatedPrincipal of another mesh"));
  }

  /** A root of another mesh that has ended since must not stand in the way of other changes. */
  @Test
  void refusesAnEndedRootWhereItIsWrittenAndNotWhereItIsAlready() throws Exception {
    X509Certificate ended =
        Requests.selfSigned(
            Requests.keyPair("secp256r1"),
            "partner",
            true,
            now.minus(Duration.ofDays(2)),
            now.minus(Duration.ofDays(1)));
    String partner =
        "\"certificate\": {\"federatesWith\": [{\"trustDomain\": \"partner.example\", \"trustBundle\": \"%s\"}]}"
            .formatted(new Pem(List.of(ended), List.of()).text().replace("\n", "\\n"));
    String with = meshConfig("sluice-system", "{" + partner + "}");
    String more =
        meshConfig("sluice-system", "{" + partner + ", \"traffic\": {\"enableEgress\": true}}");
    String without = meshConfig("sluice-system", "{}");

    JsonNode created = review(with);
    JsonNode added = review(with + ", \"oldObject\": " + without);
    JsonNode kept = review(more + ", \"oldObject\": " + with);

    assertThat(created.path("allowed").asBoolean()).isFalse();
    assertThat(added.path("allowed").asBoolean()).isFalse();
    assertThat(added.path("status").path("message").asText())
        .contains("spec.certificate.federatesWith[0]: certificate ", "has ended");
    assertThat(kept.path("allowed").asBoolean()).isTrue();
    assertThat(kept.path("warnings").toString())
        .contains("spec.certificate.federatesWith[0]: certificate ", "has ended");
  }

  @Test
  void warnsOfAnEntryOfTheDenyListThatDeniesAnAccountOfTheMesh() throws Exception {
    JsonNode response =
        review(
            meshConfig(
                "sluice-system",
                "{\"certificate\": {\"deniedIdentities\": [\"spiffe://partner.example/ns/shop/sa/buyer\"]}}"));

    assertThat(response.path("allowed").asBoolean()).isTrue();
    assertThat(response.path("warnings").toString())
        .contains("own account shop/buyer", "remove it");
  }

  @Test
  void admitsWhatItDoesNotReadAndRemovals() throws Exception {
    assertThat(
            review(
                    "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"x\"}}")
                .path("allowed")
                .asBoolean())
        .isTrue();
    assertThat(review("null").path("allowed").asBoolean()).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "POST; /validate; application/json; {; 400",
        "POST; /validate; application/json; {}; 400",
        "POST; /validate; application/json; [[[[]]]]; 400",
        "POST; /validate; text/plain; {}; 415",
        "POST; /other; application/json; {}; 404",
        "PUT; /validate; application/json; {}; 405"
      })
  void answersWhatIsNoReviewWithAnError(
      String method, String path, String type, String body, int status) throws Exception {
    assertThat(send(method, path, type, body).statusCode()).isEqualTo(status);
  }

  @Test
  void refusesReviewsBeyondItsLimits() throws Exception {
    String large = "\"" + "x".repeat(AdmissionWebhook.MAX_BODY_BYTES) + "\"";
    String deep = "[".repeat(10_000) + "]".repeat(10_000);

    assertThat(send("POST", "/validate", "application/json", large).statusCode()).isEqualTo(413);
    assertThat(send("POST", "/validate", "application/json", deep).statusCode()).isEqualTo(400);
    assertThat(review(TARGET).path("allowed").asBoolean()).isTrue();
  }

  @Test
  void givesUpOnWhoNeverEndsARequest() throws Exception {
    webhook.close();
    webhook = startWith(Duration.ofMillis(300), true);

    try (SSLSocket slow =
        (SSLSocket)
            context(own())
                .getSocketFactory()
                .createSocket(InetAddress.getLoopbackAddress(), webhook.port())) {
      OutputStream out = slow.getOutputStream();
      out.write(
          ("POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  + "Content-Length: 100\r\n\r\n{")
              .getBytes(StandardCharsets.US_ASCII));
      out.flush();
      slow.setSoTimeout(20_000);

      assertThat(endsOf(slow)).isTrue();
    }
  }

  @Test
  void whoWaitsForOthersInVainGivesItsPlaceBack() throws Exception {
    webhook.close();
    webhook = startWith(Duration.ofMillis(300), true);

    assertThatThrownBy(() -> review(TARGET.replace("\"shop\"},", "\"hanging\"},")))
        .isInstanceOf(IOException.class);
    assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
  }

  /** Whether the other side closes, orderly or not, before the time-out of the socket. */
  private static boolean endsOf(SSLSocket socket) {
    try {
      return socket.getInputStream().readAllBytes().length == 0;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  @Test
  void keepsItsCertificateUntilItIsNeededForAnotherName() throws Exception {
    Path home = directory.resolve("webhook");
    X509Certificate first = own();

    SelfSigned.in(home, NAME, () -> now);
    assertThat(own()).isEqualTo(first);
    SelfSigned.in(home, "other.svc", () -> now);
    assertThat(own()).isNotEqualTo(first);
    assertThatThrownBy(() -> SelfSigned.in(home, "Not a name", () -> now))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'Not a name'");
  }

  @Test
  void showsReplacedFilesAndKeepsTheOldOnesWhileTheNewAreBroken() throws Exception {
    Path home = directory.resolve("webhook");
    X509Certificate first = own();
    Path chain = home.resolve("webhook.crt");
    String good = Files.readString(chain);

    Files.writeString(chain, "nothing");
    Files.setLastModifiedTime(chain, FileTime.from(now.plusSeconds(60)));
    now = now.plusSeconds(60);
    assertThat(review(TARGET).path("allowed").asBoolean()).isTrue();
    assertThat(good).isNotEmpty();

    Files.delete(chain); // as when it is made anew
    SelfSigned.in(home, NAME, () -> now);
    Files.setLastModifiedTime(chain, FileTime.from(now.plusSeconds(120)));
    now = now.plusSeconds(60);
    client.close();
    client = clientThatTrusts(own());
    assertThat(own()).isNotEqualTo(first);
    assertThat(review(TARGET).path("allowed").asBoolean()).isTrue();
  }

  private X509Certificate own() throws IOException {
    Path chain = directory.resolve("webhook").resolve("webhook.crt");
    return Pem.parse(Files.readString(chain), chain.toString()).certificates().getFirst();
  }

  private static HttpClient clientThatTrusts(X509Certificate root) throws Exception {
    return HttpClient.newBuilder().sslContext(context(root)).build();
  }

  private static SSLContext context(X509Certificate root) throws Exception {
    KeyStore roots = KeyStore.getInstance(KeyStore.getDefaultType());
    roots.load(null, null);
    roots.setCertificateEntry("ca", root);
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(roots);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private JsonNode review(String object) throws Exception {
    HttpResponse<String> response =
        send("POST", "/validate", "application/json", REVIEW.formatted(object));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    JsonNode review = new ObjectMapper().readTree(response.body());
    assertThat(review.path("kind").asText()).isEqualTo("AdmissionReview");
    return review.path("response");
  }

  private HttpResponse<String> send(String method, String path, String type, String body)
      throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("https://localhost:" + webhook.port() + path))
            .header("Content-Type", type)
            .timeout(Duration.ofSeconds(30))
            .method(method, BodyPublishers.ofString(body))
            .build();
    return client.send(request, BodyHandlers.ofString());
  }
}
