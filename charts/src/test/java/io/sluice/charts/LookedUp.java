package io.sluice.charts;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * As much of an API server as Helm's {@code lookup} asks for: kinds, and the objects that a test
 * put there. Helm finds it by the file of {@code KUBECONFIG}, so there is one at a time. Each test
 * gets one in which the chart was installed before, and nothing else: keys need not be made.
 */
final class LookedUp implements BeforeEachCallback, AfterEachCallback {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String WEBHOOK = "sluice-webhook";

  private final Map<String, Object> objects = new ConcurrentHashMap<>();
  private @Nullable HttpServer server;

  @Override
  public void beforeEach(ExtensionContext context) throws IOException {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    HttpServer started = HttpServer.create(new InetSocketAddress(loopback, 0), 0);
    objects.put("/api/v1", kinds("v1", Map.of("secrets", "Secret")));
    secret(WEBHOOK, Map.of("ca.crt", "Y2E=", "tls.crt", "Y3J0", "tls.key", "a2V5"));
    started.createContext("/", this::answer);
    started.start();
    server = started;
    String file = System.getenv("KUBECONFIG");
    if (file == null) {
      throw new IllegalStateException("KUBECONFIG is not set; the pom sets it for tests");
    }
    Files.writeString(Path.of(file), kubeconfig(started.getAddress().getPort()));
  }

  @Override
  public void afterEach(ExtensionContext context) {
    if (server != null) {
      server.stop(0);
    }
    objects.clear();
  }

  /** The chart was not installed before. */
  void forgetInstall() {
    objects.remove(secretPath(WEBHOOK));
  }

  private static String secretPath(String name) {
    return "/api/v1/namespaces/" + Chart.NAMESPACE + "/secrets/" + name;
  }

  /** A Secret of the release's namespace. */
  void secret(String name, Map<String, String> data) {
    objects.put(
        secretPath(name),
        Map.of(
            "apiVersion", "v1", "kind", "Secret", "metadata", Map.of("name", name), "data", data));
  }

  private static Map<String, Object> kinds(String version, Map<String, String> kinds) {
    List<Map<String, Object>> resources =
        kinds.entrySet().stream()
            .map(kind ->
                Map.<String, Object>of(
                    "name",
                    kind.getKey(),
                    "kind",
                    kind.getValue(),
                    "namespaced",
                    true,
                    "verbs",
                    List.of("get", "list")))
            .toList();
    return Map.of("kind", "APIResourceList", "groupVersion", version, "resources", resources);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      Object found = objects.get(exchange.getRequestURI().getPath());
      Object said =
          found == null
              ? Map.of(
                  "apiVersion",
                  "v1",
                  "kind",
                  "Status",
                  "status",
                  "Failure",
                  "reason",
                  "NotFound",
                  "code",
                  404)
              : found;
      byte[] body = JSON.writeValueAsBytes(said);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(found == null ? 404 : 200, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private static String kubeconfig(int port) {
    return """
    apiVersion: v1
    kind: Config
    clusters: [{name: test, cluster: {server: "http://127.0.0.1:%d"}}]
    contexts: [{name: test, context: {cluster: test, user: test}}]
    users: [{name: test, user: {}}]
    current-context: test
    """
        .formatted(port);
  }
}
