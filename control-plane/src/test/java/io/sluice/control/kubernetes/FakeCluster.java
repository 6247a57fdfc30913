package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.control.authority.ServerTls;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A Kubernetes API server over TLS for what a registry asks: lists in pages and watches from a
 * resource version, over a history that can be compacted, with bookmarks, and with every way to
 * fail on demand.
 */
public final class FakeCluster implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String TOKEN = "token-of-controller";
  private static final Issuer CLUSTER =
      new SvidProfile(new TrustDomain("cluster.example"), false, false)
          .root(SigningKey.P256, Instant.now(), Duration.ofDays(10));

  private final HttpsServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final ClusterHistory history;

  /** Number of requests by resource, lists (their first pages) and watches apart. */
  private final Map<String, Integer> requests = new ConcurrentHashMap<>();

  /** How requests for a resource fail; others are served. */
  private final Map<String, Failing> failing = new ConcurrentHashMap<>();

  /** Longest page, whatever the client asks. */
  volatile int largestPage = Integer.MAX_VALUE;

  /** Serves at a port of its own. */
  public FakeCluster(ClusterHistory history) throws Exception {
    this.history = history;
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(ServerTls.certified(CLUSTER, "localhost")));
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
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

    /** With the first half of the right answer, then a broken connection. */
    record Half() implements Failing {}
  }

  ClusterHistory history() {
    return history;
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
    return server.getAddress().getPort();
  }

  /** Access as in a pod, with the files of a service account in {@code home}. */
  KubernetesAccess access(Path home) throws IOException {
    return access(home, port());
  }

  /** The same over a port that leads here. */
  public KubernetesAccess access(Path home, int port) throws IOException {
    Files.writeString(home.resolve("token"), TOKEN + "\n");
    Files.writeString(home.resolve("ca.crt"), new Pem(CLUSTER.chain(), List.of()).text());
    return new KubernetesAccess.InCluster(URI.create("https://localhost:" + port), home);
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getRequestBody().readAllBytes();
      String path = exchange.getRequestURI().getPath();
      String resource = path.substring(path.lastIndexOf('/') + 1);
      Map<String, String> query = query(exchange.getRequestURI().getQuery());
      boolean isWatch = query.containsKey("watch");
      if (!query.containsKey("continue")) {
        requests.merge((isWatch ? "watch " : "list ") + resource, 1, Integer::sum);
      }
      Failing how = failing.get(resource);
      if (how instanceof Failing.Late(Duration by)) {
        boolean _ = closing.await(by.toMillis(), TimeUnit.MILLISECONDS);
        how = null;
      }
      boolean isHalf = how instanceof Failing.Half;
      if (!("Bearer " + TOKEN).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
        status(exchange, 401, "Unauthorized", "");
      } else if (how != null && !isHalf) {
        fail(exchange, how);
      } else if (!history.isServed(path)) {
        status(exchange, 404, "the server could not find the requested resource", "");
      } else if (isWatch) {
        watch(exchange, path, query, isHalf);
      } else {
        list(exchange, path, query, isHalf);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
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
    server.stop(0);
    threads.shutdownNow();
  }
}
