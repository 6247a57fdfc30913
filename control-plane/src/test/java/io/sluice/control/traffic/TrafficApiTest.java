package io.sluice.control.traffic;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.attack.Attack;
import io.sluice.control.authority.OpenSsl;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.webhook.AdmissionWebhook;
import io.sluice.control.webhook.SelfSigned;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Asked over real TLS, with certificates of {@code openssl}, beside an API server. */
class TrafficApiTest {
  private static final String AT = "/apis/metrics.smi-spec.io/v1alpha1";
  private static final String NOBODY = "";
  private static final String PROXY = "proxy";
  private static final char[] NO_PASSWORD = {};

  @TempDir private static Path certificates = Path.of("");
  @TempDir private Path directory = Path.of("");
  private final Map<String, List<PodTraffic>> nodes = new ConcurrentHashMap<>();
  private final List<JsonNode> reviews = new ArrayList<>();
  private Instant now = Instant.EPOCH;
  private FakeCluster cluster;
  private AdmissionWebhook port;

  @BeforeAll
  static void makeCertificates() throws Exception {
    authority("authority");
    authority("other");
    client("authority", PROXY, "/CN=front-proxy-client", "clientAuth");
    client("authority", "unnamed", "/CN=kubelet", "clientAuth");
    client("authority", "server", "/CN=front-proxy-client", "serverAuth");
    client("other", "foreign", "/CN=front-proxy-client", "clientAuth");
    client("authority", "several", "/O=org+CN=front-proxy-client", "clientAuth");
    client("authority", "another", "/O=front-proxy-client+CN=some-other-component", "clientAuth");
  }

  @BeforeEach
  void start() throws Exception {
    cluster = new FakeCluster();
    cluster.onWrite =
        object -> {
          reviews.add(object.path("spec").deepCopy());
          boolean mayAsk = !object.at("/spec/user").asText().equals("stranger");
          object.putObject("status").put("allowed", mayAsk);
          return object;
        };
    now = Instant.now().plusSeconds(1); // after the second in which the last of them begins
    say("authority", "[\"front-proxy-client\"]");
    for (String pod : List.of("web", "shop", "outside")) {
      put("v1", "pods", pod);
    }
    port =
        AdmissionWebhook.start(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            SelfSigned.in(directory.resolve("webhook"), "localhost", () -> now),
            CompilerSettings.USUAL,
            _ -> NamespaceMembership.OUTSIDE,
            new TrafficApi(
                cluster.access(directory),
                new MeasuredMesh(TrafficApiTest::snapshot, this::traffic),
                () -> now));
  }

  @AfterEach
  void stop() {
    port.close();
    cluster.close();
  }

  /**
   * {@code web} on node a and {@code shop} on node b are in the mesh, as is another namespace's pod
   * on a, which the Service {@code front} claims as an endpoint beside {@code web}; {@code outside}
   * on b is not.
   */
  private static MeshSnapshot snapshot() {
    Workload web = pod("shop", "web", "a", 1, true);
    Workload foreign = pod("bank", "ledger", "a", 3, true);
    Workload outside = pod("shop", "outside", "b", 4, false);
    List<Endpoint> endpoints =
        Stream.of(web, foreign)
            .map(pod -> new Endpoint(new InetSocketAddress(pod.addresses().getFirst(), 80), true))
            .toList();
    Service front =
        new Service(
            new NamespacedName("shop", "front"),
            List.of(),
            List.of(new ServicePort("http", 80, AppProtocol.HTTP, endpoints)));
    return MeshSnapshot.of(
        1, true, List.of(web, pod("shop", "shop", "b", 2, true), foreign, outside, front));
  }

  private CompletableFuture<List<PodTraffic>> traffic(String node) {
    List<PodTraffic> told = nodes.get(node);
    return told == null
        ? CompletableFuture.failedFuture(new IllegalStateException("it is away"))
        : CompletableFuture.completedFuture(told);
  }

  private static Workload pod(
      String namespace, String name, String node, int address, boolean isEnrolled) {
    try {
      return new Workload(
          new NamespacedName(namespace, name),
          SpiffeId.parse("spiffe://cluster.local/ns/" + namespace + "/sa/" + name),
          List.of(InetAddress.getByAddress(new byte[] {10, 0, 0, (byte) address})),
          Map.of(),
          isEnrolled,
          null,
          null,
          node,
          false,
          InterceptionSettings.EVERYTHING,
          Set.of(),
          MtlsMode.STRICT);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void authority(String name) throws Exception {
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
            + " -addext basicConstraints=critical,CA:TRUE -keyout %1$s.key -out %1$s.crt -subj /CN=%1$s"
                .formatted(name));
  }

  private static void client(String issuer, String name, String subject, String use)
      throws Exception {
    openssl(
        ("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
                + " -CA %1$s.crt -CAkey %1$s.key -addext basicConstraints=critical,CA:FALSE"
                + " -addext extendedKeyUsage=%4$s -keyout %2$s.key -out %2$s.crt -subj %3$s")
            .formatted(issuer, name, subject, use));
  }

  private static void openssl(String words) throws Exception {
    OpenSsl.Answer answer = OpenSsl.run(certificates, words);
    assertThat(answer.ok()).as(answer.text()).isTrue();
  }

  /** By which certificates the API server asks, as it says. */
  private void say(String authority, String names) throws IOException {
    ObjectNode map = JsonNodeFactory.instance.objectNode();
    map.putObject("metadata").put("name", "extension-apiserver-authentication");
    map.putObject("data")
        .put("requestheader-client-ca-file", Files.readString(file(authority + ".crt")))
        .put("requestheader-allowed-names", names)
        .put("requestheader-username-headers", "[\"X-Remote-User\"]")
        .put("requestheader-group-headers", "[\"X-Remote-Group\"]")
        .put("requestheader-extra-headers-prefix", "[\"X-Remote-Extra-\"]");
    cluster.put(FrontProxy.CONFIG_MAP, map);
  }

  private static Path file(String name) {
    return certificates.resolve(name);
  }

  private void put(String version, String resource, String name) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    object.putObject("metadata").put("namespace", "shop").put("name", name);
    cluster.put("/api/" + version + "/namespaces/shop/" + resource + "/" + name, object);
  }

  private static PodTraffic traffic(
      boolean atClient, String source, String destination, int good, int bad) {
    return PodTraffic.newBuilder()
        .setAtClient(atClient)
        .setSource(source)
        .setDestination(destination)
        .putDurations(2_000, good)
        .putDurations(40_500, bad)
        .setFailed(bad)
        .build();
  }

  private HttpResponse<String> get(String shown, String path, String... headers) throws Exception {
    return send("GET", shown, path, headers);
  }

  private HttpResponse<String> send(String method, String shown, String path, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("https://localhost:" + port.port() + path))
            .timeout(Duration.ofSeconds(30))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (headers.length > 0) {
      request.headers(headers);
    }
    try (HttpClient client = HttpClient.newBuilder().sslContext(context(shown)).build()) {
      return client.send(request.build(), BodyHandlers.ofString());
    }
  }

  private SSLContext context(String shown) throws Exception {
    KeyStore store = KeyStore.getInstance("JKS");
    store.load(null, null);
    store.setCertificateEntry(
        "port", pem(directory.resolve("webhook/webhook.crt")).certificates().getFirst());
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    if (!shown.isEmpty()) {
      store.setKeyEntry(
          shown,
          pem(file(shown + ".key")).keys().getFirst(),
          NO_PASSWORD,
          pem(file(shown + ".crt")).certificates().toArray(Certificate[]::new));
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, NO_PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private static Pem pem(Path file) throws IOException {
    return Pem.parse(Files.readString(file), file.toString());
  }

  private JsonNode asked(String path) throws Exception {
    HttpResponse<String> response = get(PROXY, path, "X-Remote-User", "canary");
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return new ObjectMapper().readTree(response.body());
  }

  // --- who asks ------------------------------------------------------------------------------

  @Tag("attack")
  @ParameterizedTest
  @ValueSource(strings = {NOBODY, "unnamed", "server", "foreign"})
  void whoIsNotTheApiServerIsRefusedWhateverItSays(String shown) throws Exception {
    for (String path : List.of(AT, AT + "/namespaces/shop/pods", "/openapi/v2")) {
      HttpResponse<String> response =
          get(shown, path, "X-Remote-User", "admin", "X-Remote-Group", "system:masters");

      assertThat(response.statusCode()).as(path).isEqualTo(401);
      assertThat(new ObjectMapper().readTree(response.body()).path("reason").asText())
          .isEqualTo("Unauthorized");
    }
    assertThat(reviews).isEmpty();
    assertThat(get(shown, "/healthz").body()).isEqualTo("ok");
    Attack.tried(
            "TrafficMetrics are asked for in an administrator's name, certificate: "
                + (shown.equals(NOBODY) ? "none" : shown))
        .refusedBy("the controller, before it asks the API server who may")
        .countedAs("the answer: 401");
  }

  /** The shorter one of a set comes first in DER. */
  @Test
  void ofSeveralAttributesTheNameCounts() throws Exception {
    assertThat(get("several", AT, "X-Remote-User", "canary").statusCode()).isEqualTo(200);
    assertThat(get("another", AT, "X-Remote-User", "canary").statusCode()).isEqualTo(401);
  }

  @Test
  void theApiServerItselfHasToNameACaller() throws Exception {
    assertThat(get(PROXY, AT).statusCode()).isEqualTo(401);
  }

  @Test
  void nobodyIsBelievedWhileTheApiServerWasNeverRead() throws Exception {
    ObjectNode empty = JsonNodeFactory.instance.objectNode();
    empty.putObject("metadata").put("name", "extension-apiserver-authentication");
    cluster.put(FrontProxy.CONFIG_MAP, empty);
    assertThat(get(PROXY, AT, "X-Remote-User", "canary").statusCode()).isEqualTo(401);

    cluster.remove(FrontProxy.CONFIG_MAP);
    now = now.plusSeconds(10);
    assertThat(get(PROXY, AT, "X-Remote-User", "canary").statusCode()).isEqualTo(401);

    say("authority", "[]");
    now = now.plusSeconds(10);
    assertThat(get(PROXY, AT, "X-Remote-User", "canary").statusCode()).isEqualTo(200);
    assertThat(get("unnamed", AT, "X-Remote-User", "canary").statusCode())
        .as("without names any client of that authority is the API server")
        .isEqualTo(200);
  }

  @Test
  void anotherCertificateOfTheApiServerIsFoundOutSoon() throws Exception {
    asked(AT);
    say("other", "[\"front-proxy-client\"]");

    now = now.plusSeconds(10);
    assertThat(get("foreign", AT, "X-Remote-User", "canary").statusCode()).isEqualTo(200);
    assertThat(get(PROXY, AT, "X-Remote-User", "canary").statusCode()).isEqualTo(401);
  }

  @Test
  void theClustersRulesSayWhoMayAskForWhat() throws Exception {
    nodes.put("a", List.of());
    HttpResponse<String> allowed =
        get(
            PROXY,
            AT + "/namespaces/shop/pods/web/edges",
            "X-Remote-User",
            "canary",
            "X-Remote-Group",
            "testers",
            "X-Remote-Group",
            "system:authenticated",
            "X-Remote-Extra-Scopes%2Fkind",
            "read");
    HttpResponse<String> refused =
        get(PROXY, AT + "/namespaces/shop/pods", "X-Remote-User", "stranger");
    HttpResponse<String> discovery = get(PROXY, AT, "X-Remote-User", "stranger");

    assertThat(allowed.statusCode()).isEqualTo(200);
    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(discovery.statusCode()).isEqualTo(403);
    assertThat(reviews.getFirst())
        .isEqualTo(
            new ObjectMapper()
                .readTree(
                    """
                    {"user": "canary", "groups": ["testers", "system:authenticated"],
                     "extra": {"scopes/kind": ["read"]},
                     "resourceAttributes": {"group": "metrics.smi-spec.io", "version": "v1alpha1",
                      "resource": "pods", "verb": "get", "namespace": "shop", "name": "web",
                      "subresource": "edges"}}
                    """));
    assertThat(reviews.getLast().at("/nonResourceAttributes/path").asText()).isEqualTo(AT);
  }

  /** By the API server's own reading of paths (RequestInfo), so that one rule is enough. */
  @Test
  void rulesAreThoseByWhichTheApiServerHasPassedItOn() throws Exception {
    Map<String, List<String>> rules =
        Map.of(
            "/namespaces", List.of("list", "namespaces", "", "", ""),
            "/namespaces/shop", List.of("get", "namespaces", "shop", "shop", ""),
            "/namespaces/shop/edges", List.of("list", "edges", "shop", "", ""),
            "/nodes/a/edges", List.of("get", "nodes", "", "a", "edges"),
            "/namespaces/shop/jobs", List.of("list", "jobs", "shop", "", ""),
            "/namespaces/shop/jobs/web/edges", List.of("get", "jobs", "shop", "web", "edges"));
    for (Map.Entry<String, List<String>> rule : rules.entrySet()) {
      get(PROXY, AT + rule.getKey(), "X-Remote-User", "stranger");

      JsonNode attributes = reviews.getLast().path("resourceAttributes");
      assertThat(
              Stream.of("verb", "resource", "namespace", "name", "subresource")
                  .map(field -> attributes.path(field).asText()))
          .as(rule.getKey())
          .containsExactlyElementsOf(rule.getValue());
    }
  }

  /** The default rules let that group read what an API describes. */
  @Test
  void whoeverIsNamedIsAuthenticated() throws Exception {
    String all = "system:authenticated";
    String none = "system:unauthenticated";
    assertThat(groups("system:aggregator")).containsExactly(all);
    assertThat(groups("canary", "testers")).containsExactly("testers", all);
    assertThat(groups("canary", all)).containsExactly(all);
    assertThat(groups("system:anonymous", none)).containsExactly(none);
    assertThat(groups("system:anonymous")).isEmpty();
  }

  private List<String> groups(String user, String... named) throws Exception {
    List<String> headers = new ArrayList<>(List.of("X-Remote-User", user));
    for (String group : named) {
      headers.addAll(List.of("X-Remote-Group", group));
    }
    reviews.clear();
    get(PROXY, "/openapi/v2", headers.toArray(String[]::new));
    List<String> asked = new ArrayList<>();
    reviews.forEach(review -> review.path("groups").forEach(each -> asked.add(each.asText())));
    return asked;
  }

  @Test
  void whatIsTooLongOrHasEmptyWordsIsNoCauseToAskWhoMay() throws Exception {
    for (String path : List.of("/" + "a".repeat(1_024), "/".repeat(512), "//pods")) {
      assertThat(get(PROXY, AT + path, "X-Remote-User", "canary").statusCode()).isEqualTo(404);
    }
    String labels = "/pods?labelSelector=" + "a".repeat(8_192);
    assertThat(get(PROXY, AT + labels, "X-Remote-User", "canary").statusCode()).isEqualTo(414);
    assertThat(reviews).isEmpty();
  }

  @Test
  void nobodyMayAskWhileNobodySaysWhoMay() throws Exception {
    cluster.fail("POST", FakeCluster.Failing.of("500"));

    assertThat(get(PROXY, AT, "X-Remote-User", "canary").statusCode()).isEqualTo(503);
  }

  // --- what is told --------------------------------------------------------------------------

  @Test
  void clientsFindOutWhatThereIs() throws Exception {
    assertThat(asked("/apis/metrics.smi-spec.io").at("/preferredVersion/groupVersion").asText())
        .isEqualTo("metrics.smi-spec.io/v1alpha1");
    JsonNode resources = asked(AT);
    assertThat(resources.path("kind").asText()).isEqualTo("APIResourceList");
    assertThat(resources.path("resources").findValuesAsText("name"))
        .contains("namespaces", "nodes", "pods", "pods/edges", "replicationcontrollers", "services")
        .contains("daemonsets", "deployments", "replicasets", "statefulsets", "jobs")
        .contains("trafficsplits");
    assertThat(asked("/openapi/v2").path("swagger").asText()).isEqualTo("2.0");
    assertThat(asked("/openapi/v3").has("paths")).isTrue();
  }

  @Test
  void aPodIsWhatItWasAskedAndItsEdgesAreBothDirections() throws Exception {
    nodes.put(
        "a",
        List.of(
            traffic(false, "shop/shop", "shop/web", 80, 10),
            traffic(false, "", "shop/web", 10, 0),
            traffic(true, "shop/web", "shop/shop", 3, 0)));

    JsonNode pod = asked(AT + "/namespaces/shop/pods/web");
    assertThat(pod.path("kind").asText()).isEqualTo("TrafficMetrics");
    assertThat(pod.path("window").asText()).isEqualTo("30s");
    assertThat(pod.at("/edge/resource").isEmpty()).isTrue();
    assertThat(pod.path("metrics").toString())
        .isEqualTo(
            """
            [{"name":"p99_response_latency","value":"40500u","unit":"seconds"},\
            {"name":"p90_response_latency","value":"2m","unit":"seconds"},\
            {"name":"p50_response_latency","value":"2m","unit":"seconds"},\
            {"name":"success_count","value":"90"},{"name":"failure_count","value":"10"}]\
            """);
    JsonNode edges = asked(AT + "/namespaces/shop/pods/web/edges").path("items");
    assertThat(edges).hasSize(2);
    assertThat(edges.path(0).path("edge").toString())
        .isEqualTo(
            "{\"direction\":\"from\",\"side\":\"server\",\"resource\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\","
                + "\"namespace\":\"shop\",\"name\":\"shop\"}}");
    assertThat(edges.path(1).at("/edge/direction").asText()).isEqualTo("to");
  }

  @Test
  void aNodeIsBelievedAboutItsOwnPodsAlone() throws Exception {
    nodes.put("a", List.of());
    nodes.put("b", List.of(traffic(false, "shop/shop", "shop/web", 7, 0)));

    JsonNode pods = asked(AT + "/namespaces/shop/pods");

    assertThat(pods.path("items")).hasSize(2);
    assertThat(pods.findValuesAsText("value")).containsOnly("0", "0m");
  }

  @Test
  void whatANodeSaysFailedIsOfWhatItCounted() throws Exception {
    ObjectNode namespace = JsonNodeFactory.instance.objectNode();
    namespace.putObject("metadata").put("name", "shop");
    cluster.put("/api/v1/namespaces/shop", namespace);
    nodes.put("a", List.of(traffic(false, "", "shop/web", 0, 1).toBuilder().setFailed(50).build()));
    nodes.put("b", List.of(traffic(false, "", "shop/shop", 9, 0)));

    JsonNode metrics = asked(AT + "/namespaces/shop").path("metrics");
    assertThat(metrics.path(3).path("value").asText()).as("success").isEqualTo("9");
    assertThat(metrics.path(4).path("value").asText()).as("failure").isEqualTo("1");
  }

  @Test
  void aSplitIsWhatPodsInTheMeshWereLedByAsTheirOwnNodesSay() throws Exception {
    ObjectNode split = JsonNodeFactory.instance.objectNode();
    split.putObject("metadata").put("namespace", "shop").put("name", "ways");
    split
        .putObject("spec")
        .put("service", "front")
        .putArray("backends")
        .addObject()
        .put("service", "new")
        .put("weight", 1);
    cluster.put("/apis/split.smi-spec.io/v1alpha4/namespaces/shop/trafficsplits/ways", split);
    nodes.put("a", List.of(led("shop/web", 3), led("shop/shop", 100)));
    nodes.put("b", List.of(led("shop/shop", 5), led("shop/outside", 1_000)));

    assertThat(asked(AT + "/namespaces/shop/trafficsplits/ways").findValuesAsText("value"))
        .containsExactly("2m", "2m", "2m", "8", "0");
  }

  private static PodTraffic led(String source, int good) {
    return traffic(true, source, "", good, 0).toBuilder()
        .setSplit("shop/ways")
        .setService("shop/new")
        .build();
  }

  @Test
  void aServiceTellsNothingOfPodsOfOtherNamespaces() throws Exception {
    put("v1", "services", "front");
    nodes.put(
        "a",
        List.of(traffic(false, "", "shop/web", 5, 0), traffic(false, "", "bank/ledger", 70, 0)));

    assertThat(asked(AT + "/namespaces/shop/services/front").findValuesAsText("value"))
        .containsExactly("2m", "2m", "2m", "5", "0");
  }

  @Test
  void whoAsksForTooMuchIsToldHowToAskForLess() throws Exception {
    ObjectNode deployment = JsonNodeFactory.instance.objectNode();
    deployment.putObject("metadata").put("namespace", "shop").put("name", "web");
    cluster.put("/apis/apps/v1/namespaces/shop/deployments/web", deployment);
    for (int i = 0; i < MeasuredObjects.MOST; i++) {
      put("v1", "pods", "pod-" + i);
    }
    Map<String, String> mends =
        Map.of(
            "/pods",
            "there are more than 2000; ask by namespace or labelSelector",
            "/deployments",
            "there are more than 2000 pods; ask by namespace",
            "/namespaces/shop/deployments/web",
            "there are more than 2000 pods in shop; ask for these themselves, by labelSelector");
    for (Map.Entry<String, String> mend : mends.entrySet()) {
      HttpResponse<String> response = get(PROXY, AT + mend.getKey(), "X-Remote-User", "canary");

      assertThat(response.statusCode()).as(response.body()).isEqualTo(413);
      assertThat(new ObjectMapper().readTree(response.body()).path("message").asText())
          .isEqualTo(mend.getValue());
    }
  }

  @Test
  void whatANodeDoesNotTellIsLeftOutOfListsAndFailsWhereItIsAskedFor() throws Exception {
    nodes.put("a", List.of());

    assertThat(asked(AT + "/pods").path("items"))
        .singleElement()
        .satisfies(item -> assertThat(item.at("/resource/name").asText()).isEqualTo("web"));
    assertThat(
            get(PROXY, AT + "/namespaces/shop/pods/shop", "X-Remote-User", "canary").statusCode())
        .isEqualTo(503);
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /namespaces/shop/pods/outside, 404",
    "GET, /namespaces/shop/pods/nobody, 404",
    "GET, /namespaces/shop/secrets, 404",
    "GET, /pods/web, 404",
    "GET, /namespaces/shop/nodes/a, 404",
    "GET, /namespaces/shop/pods/web/log, 404",
    "GET, /namespaces/shop/pods/web/edges/more, 404",
    "GET, /namespaces/shop/pods/..%2Fweb, 404",
    "GET, /namespaces/shop/pods?watch=true, 400",
    "GET, /namespaces/shop/pods?fieldSelector=a%3Db, 400",
    "DELETE, /namespaces/shop/pods/web, 405",
  })
  void whatIsNotThereIsNotAnswered(String method, String path, int status) throws Exception {
    assertThat(send(method, PROXY, AT + path, "X-Remote-User", "canary").statusCode())
        .isEqualTo(status);
  }
}
