package io.sluice.charts;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * As much of an API server as Helm's {@code lookup} asks for: kinds, and the objects that a test
 * put there. Helm finds it by the file of {@code KUBECONFIG}, so there is one at a time.
 */
final class LookedUp implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NODES = "/api/v1/nodes";

  private final HttpServer server;
  private final Map<String, Object> objects = new ConcurrentHashMap<>();

  private LookedUp(HttpServer server) {
    this.server = server;
  }

  /** Without any object. */
  static LookedUp start() {
    try {
      InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
      LookedUp started = new LookedUp(HttpServer.create(any, 0));
      started.objects.put("/api/v1", kinds("v1", Map.of("nodes", "Node", "secrets", "Secret")));
      started.objects.put(
          "/apis/apiextensions.k8s.io/v1",
          kinds(
              "apiextensions.k8s.io/v1",
              Map.of("customresourcedefinitions", "CustomResourceDefinition")));
      started.nodes(List.of());
      started.server.createContext("/", started::answer);
      started.server.start();
      String file = System.getenv("KUBECONFIG");
      if (file == null) {
        throw new IllegalStateException("KUBECONFIG is not set; the pom sets it for tests");
      }
      Files.writeString(Path.of(file), started.kubeconfig());
      return started;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** These are the cluster's nodes. */
  void nodes(List<Map<String, Object>> nodes) {
    objects.put(NODES, Map.of("apiVersion", "v1", "kind", "NodeList", "items", nodes));
  }

  /** A node that says so of itself. */
  static Map<String, Object> node(String kubelet, String runtime, Map<String, String> labels) {
    return Map.of(
        "apiVersion",
        "v1",
        "kind",
        "Node",
        "metadata",
        Map.of("name", "edge1", "labels", labels),
        "status",
        Map.of("nodeInfo", Map.of("kubeletVersion", kubelet, "containerRuntimeVersion", runtime)));
  }

  /** A Secret of the release's namespace. */
  void secret(String name, Map<String, String> data) {
    objects.put(
        "/api/v1/namespaces/" + Chart.NAMESPACE + "/secrets/" + name,
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
                    kind.getValue().equals("Secret"),
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

  private String kubeconfig() {
    return """
    apiVersion: v1
    kind: Config
    clusters: [{name: test, cluster: {server: "http://127.0.0.1:%d"}}]
    contexts: [{name: test, context: {cluster: test, user: test}}]
    users: [{name: test, user: {}}]
    current-context: test
    """
        .formatted(server.getAddress().getPort());
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
