package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * A Kubernetes API server over TLS for what a registry asks: lists in pages and watches from a
 * resource version, over a history that can be compacted, with bookmarks, and with every way to
 * fail on demand.
 */
public final class FakeCluster implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ApiDoor door;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final ClusterHistory history;
  private final FakeWrites writes;
  private final Set<String> partitioned = ConcurrentHashMap.newKeySet();

  /** Number of requests by resource, lists (their first pages) and watches apart. */
  private final Map<String, Integer> requests = new ConcurrentHashMap<>();

  /** How requests for a resource fail; others are served. */
  private final Map<String, Failing> failing = new ConcurrentHashMap<>();

  /** What is said of a token that is to be reviewed: sets the review's status. */
  public volatile UnaryOperator<ObjectNode> tokenReview = review -> review;

  /** Longest page, whatever the client asks. */
  volatile int largestPage = Integer.MAX_VALUE;

  /** Serves the objects of {@code history}. */
  public FakeCluster(ClusterHistory history) throws Exception {
    this.history = history;
    this.writes = new FakeWrites(history);
    door = new ApiDoor(this::handle);
  }

  /** The same at a socket that is bound already, under this name. */
  public FakeCluster(ClusterHistory history, HttpsServer bound, String name) throws Exception {
    this.history = history;
    this.writes = new FakeWrites(history);
    door = new ApiDoor(this::handle, bound, name);
  }

  /** How to fail. */
  public sealed interface Failing {
    /** With a status; {@code retryAfter} is left out where it is empty. */
    record Status(int code, String retryAfter) implements Failing {}

    /** With this text in place of an answer. */
    record Text(String body) implements Failing {}

    /** With headers and then nothing. */
    record Silence() implements Failing {}

    /** With the right answer, but so much later. */
    record Late(Duration by) implements Failing {}

    /** With the first half of the right answer, then a broken connection; for reads. */
    record Half() implements Failing {}
  }

  /** Its objects. */
  public ClusterHistory history() {
    return history;
  }

  /** What was written. */
  public FakeWrites writes() {
    return writes;
  }

  /** From now on no request of this caller is answered, nor taken. */
  public void partition(String caller) {
    partitioned.add(caller);
  }

  /** Ends {@link #partition}. */
  public void rejoin(String caller) {
    partitioned.remove(caller);
  }

  /** Lets requests for the resource fail from now on. */
  public void fail(String resource, Failing how) {
    failing.put(resource, how);
  }

  /** Ends that. */
  public void heal(String resource) {
    failing.remove(resource);
  }

  int lists(String resource) {
    return requests.getOrDefault("list " + resource, 0);
  }

  int watches(String resource) {
    return requests.getOrDefault("watch " + resource, 0);
  }

  /** Where it serves on the loopback, as {@code localhost}. */
  public int port() {
    return door.port();
  }

  /** Access as in a pod, with the files of a service account in {@code home}. */
  KubernetesAccess access(Path home) throws IOException {
    return door.inCluster(home);
  }

  /** As the other, for one of several controllers. */
  public KubernetesAccess access(Path home, String caller) throws IOException {
    return door.inCluster(home, caller);
  }

  /** As the first, over a port that leads here. */
  public KubernetesAccess access(Path home, int port) throws IOException {
    return door.inCluster(home, port);
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      Optional<String> caller = ApiDoor.caller(exchange);
      if (caller.isEmpty()) {
        status(exchange, 401, "Unauthorized", "");
      } else if (partitioned.contains(caller.get())) {
        closing.await(30, TimeUnit.SECONDS);
      } else {
        serve(exchange, caller.get(), body);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve(HttpExchange exchange, String caller, String body)
      throws IOException, InterruptedException {
    String method = exchange.getRequestMethod();
    String path = exchange.getRequestURI().getPath();
    Map<String, String> query = query(exchange.getRequestURI().getQuery());
    if (path.endsWith("/tokenreviews")) {
      answer(exchange, 201, tokenReview.apply((ObjectNode) JSON.readTree(body)).toString());
      return;
    }
    boolean isWrite = !method.equals("GET") || FakeWrites.isWhole(path);
    boolean isWatch = query.containsKey("watch");
    String resource =
        FakeWrites.isConfigMap(path)
            ? "configmaps"
            : isWrite ? "writes" : path.substring(path.lastIndexOf('/') + 1);
    if (!query.containsKey("continue")) {
      requests.merge((isWatch ? "watch " : "list ") + resource, 1, Integer::sum);
    }
    Failing how = failing.get(resource);
    if (how instanceof Failing.Late(Duration by)) {
      boolean _ = closing.await(by.toMillis(), TimeUnit.MILLISECONDS);
      how = null;
    }
    boolean isHalf = how instanceof Failing.Half;
    if (how != null && !isHalf) {
      fail(exchange, how);
    } else if (isWrite) {
      FakeWrites.Outcome outcome = writes.handle(caller, method, path, body);
      answer(exchange, outcome.code(), outcome.body());
    } else if (!history.isServed(path)) {
      status(exchange, 404, "the server could not find the requested resource", "");
    } else if (isWatch) {
      watch(exchange, path, query, isHalf);
    } else {
      list(exchange, path, query, isHalf);
    }
  }

  private void fail(HttpExchange exchange, Failing how) throws IOException, InterruptedException {
    switch (how) {
      case Failing.Status(int code, String after) -> status(exchange, code, "it is " + code, after);
      case Failing.Text(String body) -> answer(exchange, 200, body);
      case Failing.Silence() -> {
        exchange.sendResponseHeaders(200, 0);
        exchange.getResponseBody().flush();
        closing.await(30, TimeUnit.SECONDS);
      }
      case Failing.Late _, Failing.Half _ -> throw new IllegalStateException("served: " + how);
    }
  }

  private void list(HttpExchange exchange, String path, Map<String, String> query, boolean isHalf)
      throws IOException {
    int limit = Math.min(largestPage, Integer.parseInt(query.getOrDefault("limit", "1000000")));
    String[] token = query.getOrDefault("continue", "0:").split(":", 2);
    var page = history.list(path, Long.parseLong(token[0]), token[1], limit);
    if (page.isEmpty()) {
      status(exchange, 410, "the provided continue parameter is too old", "");
    } else if (isHalf) {
      answerHalf(exchange, page.get().toString());
    } else {
      answer(exchange, 200, page.get().toString());
    }
  }

  private void watch(HttpExchange exchange, String path, Map<String, String> query, boolean isHalf)
      throws IOException, InterruptedException {
    long from = Long.parseLong(query.getOrDefault("resourceVersion", "0"));
    long end =
        System.nanoTime()
            + Duration.ofSeconds(Long.parseLong(query.get("timeoutSeconds"))).toNanos();
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, 0);
    exchange.getResponseBody().flush();
    var cursor = history.cursor(path, from);
    while (closing.getCount() > 0) {
      String line = cursor.next(end);
      if (line.equals(ClusterHistory.CUT) || isHalf) {
        exchange.getResponseBody().write("{\"type\":\"MODI".getBytes(StandardCharsets.UTF_8));
        exchange.getResponseBody().flush();
        throw new IOException("cut in the middle of an event, as asked");
      }
      if (line.isEmpty()) {
        return;
      }
      exchange.getResponseBody().write((line + "\n").getBytes(StandardCharsets.UTF_8));
      exchange.getResponseBody().flush();
    }
  }

  private static Map<String, String> query(String text) {
    Map<String, String> query = new HashMap<>();
    for (String part : text == null ? new String[0] : text.split("&")) {
      int equals = part.indexOf('=');
      query.put(part.substring(0, equals), part.substring(equals + 1));
    }
    return query;
  }

  private static void status(HttpExchange exchange, int code, String message, String retryAfter)
      throws IOException {
    ObjectNode status = JSON.createObjectNode();
    status.put("kind", "Status").put("code", code).put("message", message);
    if (!retryAfter.isEmpty()) {
      exchange.getResponseHeaders().add("Retry-After", retryAfter);
    }
    answer(exchange, code, status.toString());
  }

  private static void answer(HttpExchange exchange, int code, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(code, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static void answerHalf(HttpExchange exchange, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes, 0, bytes.length / 2);
    exchange.getResponseBody().flush();
    throw new IOException("cut in the middle of an answer, as asked");
  }

  @Override
  public void close() {
    closing.countDown();
    history.close();
    door.close();
  }
}
