package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsServer;
import io.sluice.control.kubernetes.ClusterHistory.Outcome;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A Kubernetes API server over TLS, the one of all tests. It tells of its kinds, keeps what is
 * written as {@code kubectl}, Helm and controllers do, lists in pages and by labels, and serves
 * watches from a resource version, over a history that can be compacted, with bookmarks. It fails
 * on demand in every way we know. What controllers of a cluster would do to an object is a function
 * of the test.
 */
public final class FakeCluster implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ApiDoor door;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final ClusterHistory history;
  private final ApiKinds kinds = new ApiKinds();
  private final List<Write> writes = new CopyOnWriteArrayList<>();
  private final Set<String> partitioned = ConcurrentHashMap.newKeySet();

  /** Number of requests by method, and by resource: lists (their first pages) and watches apart. */
  private final Map<String, Integer> requests = new ConcurrentHashMap<>();

  /** How requests fail, by resource or method; others are served. */
  private final Map<String, Failing> failing = new ConcurrentHashMap<>();

  /** What is said of a token that is to be reviewed: sets the review's status. */
  public volatile UnaryOperator<ObjectNode> tokenReview = review -> review;

  /** What happens to an object before it is stored. */
  public volatile UnaryOperator<ObjectNode> onWrite = object -> object;

  /** Longest page, whatever the client asks. */
  volatile int largestPage = Integer.MAX_VALUE;

  /** Empty. */
  public FakeCluster() throws Exception {
    this(new ClusterHistory());
  }

  /** Serves the objects of {@code history}. */
  public FakeCluster(ClusterHistory history) throws Exception {
    this.history = history;
    door = new ApiDoor(this::handle);
  }

  /** The same at a socket that is bound already, under this name. */
  public FakeCluster(ClusterHistory history, HttpsServer bound, String name) throws Exception {
    this.history = history;
    door = new ApiDoor(this::handle, bound, name);
  }

  /**
   * A write that was taken.
   *
   * @param caller whose token it came with
   * @param request method and path
   * @param nanos when, by {@link System#nanoTime}
   */
  public record Write(String caller, String request, JsonNode body, long nanos) {
    /** Of what. */
    public String path() {
      return request.substring(request.indexOf('/'));
    }
  }

  /** How to fail. */
  public sealed interface Failing {
    /** With a status; {@code retryAfter} is left out where it is empty. */
    record Status(int code, String retryAfter) implements Failing {}

    /** With this text in place of an answer. */
    record Text(String body) implements Failing {}

    /** With headers and then nothing. */
    record Silence() implements Failing {}

    /** With nothing, not even headers. */
    record Muteness() implements Failing {}

    /** With the first byte of an answer, and no more. */
    record Trickle() implements Failing {}

    /** With 64 MiB of blanks. */
    record Flood() implements Failing {}

    /** With the right answer, but so much later. */
    record Late(Duration by) implements Failing {}

    /** With the first half of the right answer, then a broken connection; for reads. */
    record Half() implements Failing {}

    /** Of the name of one above that has no parts, {@code Garbage}, or a number: that status. */
    static Failing of(String word) {
      return switch (word) {
        case "Garbage" -> new Text("<html>Log in to the hotel network</html>");
        case "Silence" -> new Silence();
        case "Muteness" -> new Muteness();
        case "Trickle" -> new Trickle();
        case "Flood" -> new Flood();
        default -> new Status(Integer.parseInt(word), "");
      };
    }
  }

  /** What can be watched of it. */
  public ClusterHistory history() {
    return history;
  }

  /** Every write so far, in order. */
  public List<Write> writes() {
    return List.copyOf(writes);
  }

  /** Those of them that were to a status. */
  public List<Write> statuses() {
    return writes.stream().filter(write -> write.path().endsWith("/status")).toList();
  }

  /** Stores what is there, or what somebody else has written, at a path as requests have it. */
  public void put(String path, ObjectNode object) {
    history.place(ApiPath.of(path), object);
  }

  /**
   * Has every object of {@code other} too, which does not change meanwhile, and serves its kinds.
   */
  public void takeAllOf(FakeCluster other) {
    history.takeAllOf(other.history, onWrite);
    other.history.all().stream()
        .map(ObjectNode::deepCopy)
        .filter(object -> object.path("kind").asText().equals("CustomResourceDefinition"))
        .forEach(kinds::define);
  }

  /** The object at a path, as it is stored; empty where there is none. */
  public Optional<JsonNode> get(String path) {
    return Optional.ofNullable(history.find(ApiPath.of(path)));
  }

  /** Removes the object at a path, as somebody else does. */
  public void remove(String path) {
    ApiPath at = ApiPath.of(path);
    history.drop(at.collection(), at.key());
  }

  /** Kinds and names of all that is stored, such as {@code DaemonSet/sluice-node}. */
  public List<String> names() {
    return history.all().stream()
        .map(each -> each.path("kind").asText() + "/" + each.at("/metadata/name").asText())
        .toList();
  }

  /** From now on no request of this caller is answered, nor taken. */
  public void partition(String caller) {
    partitioned.add(caller);
  }

  /** Ends {@link #partition}. */
  public void rejoin(String caller) {
    partitioned.remove(caller);
  }

  /**
   * Lets requests fail from now on.
   *
   * @param what their resource or method; {@code writes} for those of Leases and all that write,
   *     but for ConfigMaps
   */
  public void fail(String what, Failing how) {
    failing.put(what, how);
  }

  /** Ends that. */
  public void heal(String what) {
    failing.remove(what);
  }

  /** How many requests of this method came, answered or not. */
  public int requests(String method) {
    return requests.getOrDefault(method, 0);
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
  public KubernetesAccess access(Path home) throws IOException {
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

  /** Writes a kubeconfig file into {@code home}. */
  public Path kubeconfig(Path home) throws IOException {
    return door.kubeconfig(home);
  }

  /** As the other, for a user who proves itself by what {@code user} says, in YAML of one line. */
  public Path kubeconfig(Path home, String user) throws IOException {
    return door.kubeconfig(home, user);
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      requests.merge(exchange.getRequestMethod(), 1, Integer::sum);
      Optional<String> caller = ApiDoor.caller(exchange);
      if (caller.isEmpty()) {
        answer(exchange, ClusterHistory.failure(401, "Unauthorized"));
      } else if (partitioned.contains(caller.get())) {
        closing.await(30, TimeUnit.SECONDS);
      } else {
        serve(exchange, caller.get(), body);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve(HttpExchange exchange, String caller, byte[] body)
      throws IOException, InterruptedException {
    String path = exchange.getRequestURI().getPath();
    Optional<ObjectNode> aboutKinds = kinds.answer(path);
    if (aboutKinds.isPresent()) {
      answer(exchange, new Outcome(200, aboutKinds.get()));
      return;
    } else if (!path.startsWith("/api")) {
      answer(exchange, ClusterHistory.failure(404, "NotFound"));
      return;
    }
    ApiPath at = ApiPath.of(path);
    boolean isRead = exchange.getRequestMethod().equals("GET");
    Map<String, String> query = query(exchange.getRequestURI().getQuery());
    Failing how = failing(exchange.getRequestMethod(), at, query);
    if (how instanceof Failing.Late(Duration by)) {
      boolean _ = closing.await(by.toMillis(), TimeUnit.MILLISECONDS);
      how = null;
    }
    boolean isHalf = how instanceof Failing.Half;
    if (how != null && !isHalf) {
      fail(exchange, how);
    } else if (!isRead || !at.name().isEmpty()) {
      answer(exchange, one(exchange, caller, at, body));
    } else if (!history.isServed(at)) {
      answer(exchange, ClusterHistory.failure(404, "NotFound"));
    } else if (query.containsKey("watch")) {
      watch(exchange, at, query, isHalf);
    } else {
      list(exchange, at, query, isHalf);
    }
  }

  /** Notes the request; how it is to fail, or null. */
  private @Nullable Failing failing(String method, ApiPath at, Map<String, String> query) {
    boolean isList = method.equals("GET") && at.name().isEmpty();
    boolean isWrite = !method.equals("GET") || at.resource().equals("leases");
    if (isList && !query.containsKey("continue")) {
      String what = query.containsKey("watch") ? "watch " : "list ";
      requests.merge(what + at.resource(), 1, Integer::sum);
    }
    boolean isOfMaps = at.resource().equals("configmaps");
    Failing how = failing.get(isWrite && !isOfMaps ? "writes" : at.resource());
    return how == null ? failing.get(method) : how;
  }

  /** What concerns one object. */
  private Outcome one(HttpExchange exchange, String caller, ApiPath at, byte[] body)
      throws IOException {
    String method = exchange.getRequestMethod();
    String type = exchange.getRequestHeaders().getFirst("Content-Type");
    JsonNode sent =
        ProtobufSecret.MEDIA_TYPE.equals(type) ? ProtobufSecret.read(body) : JSON.readTree(body);
    if (at.resource().equals("tokenreviews")) {
      return new Outcome(201, tokenReview.apply((ObjectNode) sent));
    }
    synchronized (history) {
      // Noted before anybody can see it.
      String request = method + " " + exchange.getRequestURI().getPath();
      Write write = new Write(caller, request, sent, System.nanoTime());
      writes.add(write);
      Outcome outcome = one(method, type, at, sent);
      if (method.equals("GET") || outcome.code() / 100 != 2) {
        writes.remove(write);
      }
      return outcome;
    }
  }

  private Outcome one(String method, String type, ApiPath at, JsonNode sent) {
    if (method.equals("POST")) {
      ObjectNode object = (ObjectNode) sent;
      ApiPath created = at.named(history.nameOf(object));
      return history.find(created) == null
          ? new Outcome(201, store(created, object))
          : ClusterHistory.failure(409, "AlreadyExists");
    }
    ObjectNode known = history.find(at);
    if (known == null) {
      return ClusterHistory.failure(404, "NotFound");
    }
    return switch (method) {
      case "GET" -> new Outcome(200, known);
      case "PUT" ->
          isOutdated(at, known, sent)
              ? ClusterHistory.failure(409, "Conflict")
              : new Outcome(200, store(at, (ObjectNode) sent));
      case "PATCH" ->
          at.below().equals("status")
              ? history.patchStatus(at, sent)
              : new Outcome(200, store(at, ApiPatch.applied(type, sent, known)));
      case "DELETE" -> {
        JsonNode only = sent.path("preconditions");
        if (!only.isMissingNode()
            && (!only.path("uid").equals(known.at("/metadata/uid"))
                || !only.path("resourceVersion").equals(known.at("/metadata/resourceVersion")))) {
          yield ClusterHistory.failure(409, "Conflict");
        }
        history.drop(at.collection(), at.key());
        yield new Outcome(200, known);
      }
      default -> ClusterHistory.failure(405, "MethodNotAllowed");
    };
  }

  /** Whether it rests on another version; what several controllers write has to name one. */
  private static boolean isOutdated(ApiPath at, ObjectNode known, JsonNode sent) {
    JsonNode version = sent.at("/metadata/resourceVersion");
    boolean mayBeLeftOut = !Set.of("leases", "configmaps").contains(at.resource());
    return !(version.isMissingNode() && mayBeLeftOut)
        && !version.equals(known.at("/metadata/resourceVersion"));
  }

  private ObjectNode store(ApiPath at, ObjectNode object) {
    object.put("apiVersion", at.version());
    kinds.kind(at).ifPresent(kind -> object.put("kind", kind));
    if (!at.namespace().isEmpty()) {
      object.withObject("/metadata").put("namespace", at.namespace());
    }
    if (at.resource().equals("customresourcedefinitions")) {
      kinds.define(object);
    }
    return history.write(at, object, onWrite);
  }

  private void fail(HttpExchange exchange, Failing how) throws IOException, InterruptedException {
    switch (how) {
      case Failing.Status(int code, String retryAfter) -> {
        if (!retryAfter.isEmpty()) {
          exchange.getResponseHeaders().add("Retry-After", retryAfter);
        }
        answer(exchange, ClusterHistory.failure(code, "it is " + code));
      }
      case Failing.Text(String body) -> send(exchange, 200, body.getBytes(StandardCharsets.UTF_8));
      case Failing.Silence() -> {
        begin(exchange);
        closing.await(30, TimeUnit.SECONDS);
      }
      case Failing.Muteness() -> closing.await(30, TimeUnit.SECONDS);
      case Failing.Trickle() -> {
        OutputStream out = begin(exchange);
        out.write('{');
        out.flush();
        closing.await(30, TimeUnit.SECONDS);
      }
      case Failing.Flood() -> {
        OutputStream out = begin(exchange);
        byte[] blanks = " ".repeat(65_536).getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 1024; i++) {
          out.write(blanks);
        }
      }
      case Failing.Late _, Failing.Half _ -> throw new IllegalStateException("served: " + how);
    }
  }

  private void list(HttpExchange exchange, ApiPath at, Map<String, String> query, boolean isHalf)
      throws IOException {
    int limit = Math.min(largestPage, Integer.parseInt(query.getOrDefault("limit", "1000000")));
    String[] token = query.getOrDefault("continue", "0:").split(":", 2);
    String selector = query.getOrDefault("labelSelector", "");
    Optional<ObjectNode> page =
        history.list(at, selector, Long.parseLong(token[0]), token[1], limit);
    if (page.isEmpty()) {
      answer(exchange, ClusterHistory.failure(410, "the continue parameter is too old"));
      return;
    }
    page.get().put("kind", kinds.kind(at).orElse("") + "List").put("apiVersion", at.version());
    byte[] bytes = JSON.writeValueAsBytes(page.get());
    if (!isHalf) {
      send(exchange, 200, bytes);
      return;
    }
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes, 0, bytes.length / 2);
    exchange.getResponseBody().flush();
    throw new IOException("cut in the middle of an answer, as asked");
  }

  private void watch(HttpExchange exchange, ApiPath at, Map<String, String> query, boolean isHalf)
      throws IOException, InterruptedException {
    long from = Long.parseLong(query.getOrDefault("resourceVersion", "0"));
    long end =
        System.nanoTime()
            + Duration.ofSeconds(Long.parseLong(query.get("timeoutSeconds"))).toNanos();
    OutputStream out = begin(exchange);
    var cursor = history.cursor(at.collection(), from);
    while (closing.getCount() > 0) {
      String line = cursor.next(end);
      if (line.equals(ClusterHistory.CUT) || isHalf) {
        out.write("{\"type\":\"MODI".getBytes(StandardCharsets.UTF_8));
        out.flush();
        throw new IOException("cut in the middle of an event, as asked");
      }
      if (line.isEmpty()) {
        return;
      }
      out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      out.flush();
    }
  }

  private static Map<String, String> query(@Nullable String text) {
    Map<String, String> query = new HashMap<>();
    for (String part : text == null ? new String[0] : text.split("&")) {
      int equals = part.indexOf('=');
      query.put(part.substring(0, equals), part.substring(equals + 1));
    }
    return query;
  }

  private static void answer(HttpExchange exchange, Outcome outcome) throws IOException {
    send(exchange, outcome.code(), JSON.writeValueAsBytes(outcome.body()));
  }

  private static void send(HttpExchange exchange, int code, byte[] body) throws IOException {
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(code, body.length);
    exchange.getResponseBody().write(body);
  }

  /** Sends the headers of an answer without a length. */
  private static OutputStream begin(HttpExchange exchange) throws IOException {
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, 0);
    exchange.getResponseBody().flush();
    return exchange.getResponseBody();
  }

  @Override
  public void close() {
    closing.countDown();
    history.close();
    door.close();
  }
}
