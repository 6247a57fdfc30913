package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/**
 * A Kubernetes API server over TLS for the few requests that we make: objects by path, created by
 * POST on their collection, listed by label, removed; a bearer token in every request. What a
 * controller of the cluster would do to a new object is a function of the test.
 */
public final class FakeApiServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String LABELLED = "sluice-controller";

  /** How to answer. */
  public enum Mood {
    HONEST(200),
    UNAUTHORIZED(401),
    FORBIDDEN(403),
    NOT_FOUND(404),
    CONFLICT(409),
    GONE(410),
    INVALID(422),
    TOO_MANY(429),
    FAILING(500),
    UNAVAILABLE(503),
    GARBAGE(200),
    SILENT(200),
    TRICKLING(200),
    ENDLESS(200);

    private final int status;

    Mood(int status) {
      this.status = status;
    }
  }

  private final ApiDoor door;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final AtomicInteger numbers = new AtomicInteger();

  /** Objects by path. */
  public final Map<String, JsonNode> objects = new ConcurrentSkipListMap<>();

  /** Number of requests by method. */
  public final Map<String, Integer> requests = new ConcurrentHashMap<>();

  /** Methods that are answered in another mood. */
  public final Map<String, Mood> moods = new ConcurrentHashMap<>();

  /** What happens to an object when it is created. */
  public volatile UnaryOperator<ObjectNode> onCreate = object -> object;

  public FakeApiServer() throws Exception {
    door = new ApiDoor(this::handle);
  }

  /** Access as in a pod, with the files of a service account in {@code home}. */
  public KubernetesAccess inCluster(Path home) throws IOException {
    return door.inCluster(home);
  }

  /** Access by a kubeconfig file in {@code home}. */
  public KubernetesAccess kubeconfig(Path home) throws IOException {
    return door.kubeconfig(home);
  }

  private void handle(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    String method = exchange.getRequestMethod();
    requests.merge(method, 1, Integer::sum);
    try (exchange) {
      Mood mood = moods.getOrDefault(method, Mood.HONEST);
      if (ApiDoor.caller(exchange).isEmpty()) {
        status(exchange, 401, "Unauthorized");
      } else if (mood.status != 200) {
        status(exchange, mood.status, "it is " + mood);
      } else {
        switch (mood) {
          case GARBAGE -> answer(exchange, 200, "<html>Log in to the hotel network</html>");
          case SILENT -> awaitClose();
          case TRICKLING -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write('{');
            exchange.getResponseBody().flush();
            awaitClose();
          }
          case ENDLESS -> endless(exchange);
          default -> serve(exchange, body);
        }
      }
    }
  }

  private void serve(HttpExchange exchange, String body) throws IOException {
    String path = exchange.getRequestURI().getPath();
    JsonNode known = objects.get(path);
    switch (exchange.getRequestMethod()) {
      case "POST" -> {
        ObjectNode object = (ObjectNode) JSON.readTree(body);
        ObjectNode metadata = object.withObject("/metadata");
        String prefix = metadata.path("generateName").asText("object-");
        metadata.put("name", metadata.path("name").asText(prefix + numbers.incrementAndGet()));
        ObjectNode stored = onCreate.apply(object);
        objects.put(path + "/" + metadata.path("name").asText(), stored);
        answer(exchange, 201, stored.toString());
      }
      case "GET" -> {
        boolean isCollection = path.endsWith("s"); // as every plural here, and no object
        if (known == null && !isCollection) {
          status(exchange, 404, path + " not found");
        } else {
          answer(exchange, 200, known == null ? list(path) : known.toString());
        }
      }
      case "DELETE" -> {
        if (objects.remove(path) == null) {
          status(exchange, 404, path + " not found");
        } else {
          answer(exchange, 200, "{\"kind\":\"Status\",\"status\":\"Success\"}");
        }
      }
      default -> status(exchange, 405, "method not allowed");
    }
  }

  private String list(String path) {
    ObjectNode list = JSON.createObjectNode().put("kind", "List");
    list.putArray("items");
    objects.forEach((key, object) -> {
      if (key.startsWith(path + "/")
          && object
              .at("/metadata/labels/app.kubernetes.io~1managed-by")
              .asText()
              .equals(LABELLED)) {
        list.withArray("items").add(object);
      }
    });
    return list.toString();
  }

  private static void status(HttpExchange exchange, int code, String message) throws IOException {
    ObjectNode status = JSON.createObjectNode();
    status.put("kind", "Status").put("code", code).put("message", message);
    answer(exchange, code, status.toString());
  }

  private static void answer(HttpExchange exchange, int code, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(code, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static void endless(HttpExchange exchange) throws IOException {
    exchange.sendResponseHeaders(200, 0);
    OutputStream out = exchange.getResponseBody();
    byte[] spaces = " ".repeat(65_536).getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 1024; i++) {
      out.write(spaces);
    }
  }

  private void awaitClose() {
    try {
      closing.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closing.countDown();
    door.close();
  }
}
