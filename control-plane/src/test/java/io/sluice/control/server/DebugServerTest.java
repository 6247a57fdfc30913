package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.await.Await;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The debug server of a whole controller, as a MeshConfig turns it on and off. */
class DebugServerTest {
  private static final Duration PROMISED = Duration.ofSeconds(5);
  private static final int CYCLES = 3;

  @TempDir private Path home;
  @AutoClose private final HttpClient client = HttpClient.newHttpClient();
  @AutoClose private ControlSite site;
  private InetSocketAddress address;

  @BeforeEach
  void start() throws Exception {
    site = ControlSite.in(home);
    listenAt("127.0.0.1");
  }

  private void listenAt(String host) throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName(host))) {
      address = (InetSocketAddress) free.getLocalSocketAddress();
    }
    site.restartWithDebugServerAt(address);
  }

  private void turn(boolean on) throws IOException {
    long begin = System.nanoTime();
    write(on);
    Await.until(on ? "it connects" : "nobody listens", PROMISED, () -> connects() == on);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(PROMISED);
  }

  private void write(boolean on) throws IOException {
    site.manifest(
        "mesh.yaml",
        """
        apiVersion: config.openservicemesh.io/v1alpha2
        kind: MeshConfig
        metadata: {name: osm-mesh-config, namespace: osm-system}
        spec:
          observability: {enableDebugServer: %s}
          featureFlags: {enableRetryPolicy: true}
        """
            .formatted(on));
  }

  private boolean connects() throws IOException {
    try (Socket connection = new Socket(address.getAddress(), address.getPort())) {
      return connection.isConnected();
    } catch (ConnectException e) {
      return false;
    }
  }

  private HttpResponse<String> ask(String method, String path) throws Exception {
    String host = address.getAddress().getHostAddress();
    URI uri = new URI("http", null, host, address.getPort(), path, null, null);
    return client.send(
        HttpRequest.newBuilder(uri)
            .method(method, BodyPublishers.noBody())
            .timeout(Duration.ofSeconds(20))
            .build(),
        BodyHandlers.ofString());
  }

  private String text(String path) throws Exception {
    HttpResponse<String> answer = ask("GET", path);
    assertThat(answer.statusCode()).as(path).isEqualTo(200);
    return answer.body();
  }

  private JsonNode json(String path) throws Exception {
    return new ObjectMapper().readTree(text(path));
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "::1"})
  void connectsOnlyWhileItIsEnabled(String host) throws Exception {
    listenAt(host);
    assertThat(connects()).as("without a word").isFalse();

    for (int cycle = 0; cycle < CYCLES; cycle++) {
      turn(true);
      assertThat(text("/debug")).contains("/debug/certs", "/debug/pprof/");
      try (Socket idle = new Socket(address.getAddress(), address.getPort())) {
        idle.setSoTimeout((int) PROMISED.toMillis());
        turn(false);
        assertThat(idle.getInputStream().read()).as("who is connected is cut off").isNegative();
      }
    }
    turn(true);
    site.end();
    assertThat(connects()).as("after the controller").isFalse();
  }

  @Test
  void tellsWhatTheControllerKnows() throws Exception {
    site.manifest(
        "shop.yaml",
        """
        {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {sluice.io/mesh: enabled}}}
        ---
        {apiVersion: v1, kind: Namespace, metadata: {name: outside}}
        """);
    site.pod("buyer", "nodeName: edge1");
    FollowingNode node = FollowingNode.prompt(site.joined("edge1")).awaitPod("buyer");
    turn(true);
    node.refuseFromNowOn(List.of("no room"));
    site.pod("store", "nodeName: edge1");

    Await.until(
        "it tells of the refusal",
        () -> json("/debug/xds").at("/nodes/edge1/problems/0").asText().equals("no room"));
    assertThat(json("/debug/xds").at("/nodes/edge1/revision").asLong()).isPositive();
    assertThat(text("/debug/xds/edge1").lines())
        .allMatch(line -> line.matches("[0-9a-f]{16} \\S+"))
        .anyMatch(line -> line.endsWith(" workload/shop/buyer"))
        .noneMatch(line -> line.endsWith(" workload/shop/store"));
    assertThat(json("/debug/proxy").at("/nodes/edge1/pods"))
        .hasToString("[\"shop/buyer\",\"shop/store\"]");
    assertThat(json("/debug/namespaces")).hasToString("{\"namespaces\":[\"shop\"]}");
    assertThat(json("/debug/feature-flags").properties())
        .hasSize(6)
        .filteredOn(flag -> flag.getValue().asBoolean())
        .extracting(Map.Entry::getKey)
        .containsExactly(
            "enableAccessControlPolicy",
            "enableEgressPolicy",
            "enableIngressBackendPolicy",
            "enableRetryPolicy");
    assertThat(json("/debug/certs").path("issued"))
        .allSatisfy(issued ->
            assertThat(issued.properties())
                .extracting(Map.Entry::getKey)
                .containsExactly(
                    "identity", "serial", "issuedAt", "notAfter", "requester", "issuer"))
        .anySatisfy(issued -> {
          assertThat(issued.path("requester").asText()).isEqualTo("edge1");
          assertThat(issued.path("identity").asText()).endsWith("/sa/node.edge1");
        });
    assertThat(text("/debug/pprof/")).contains("heap: ", " collections, ", "\"sluice-debug");
  }

  @Test
  void answersNothingElse() throws Exception {
    turn(true);

    assertThat(ask("POST", "/debug/certs").statusCode()).isEqualTo(405);
    assertThat(ask("DELETE", "/debug/pprof/").statusCode()).isEqualTo(405);
    for (String path : List.of("/", "/metrics", "/debug/xds/", "/debug/xds/edge1", "/debug/keys")) {
      assertThat(ask("GET", path).statusCode()).as(path).isEqualTo(404);
    }
  }

  @Test
  void aPortThatIsTakenIsNamedAndTriedAgainWhileAllElseGoesOn() throws Exception {
    List<String> told = new CopyOnWriteArrayList<>();
    Handler listener = new Lines(told);
    Logger logger = Logger.getLogger("io.sluice.control");
    logger.addHandler(listener);
    try (ServerSocket other = new ServerSocket(address.getPort(), 1, address.getAddress())) {
      write(true);
      Await.until("it is told", () -> told.stream().anyMatch(line -> line.startsWith("debug_")));

      assertThat(told)
          .filteredOn(line -> line.startsWith("debug_"))
          .singleElement()
          .asString()
          .startsWith(
              "debug_server_not_opened cannot serve debug on 127.0.0.1:" + other.getLocalPort())
          .contains("already in use")
          .endsWith("choose another --debug-address");
      FollowingNode.prompt(site.joined("edge1")).awaitChanges(1);
    } finally {
      logger.removeHandler(listener);
    }

    Await.until("it has the port that became free", PROMISED, this::connects);
    assertThat(text("/debug/proxy")).contains("edge1");
  }

  /** Gathers what is logged. */
  private static final class Lines extends Handler {
    private final List<String> lines;

    Lines(List<String> lines) {
      this.lines = lines;
    }

    @Override
    public void publish(LogRecord line) {
      lines.add(new SimpleFormatter().formatMessage(line));
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
