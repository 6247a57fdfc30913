package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Kubernetes API server over TLS that stores what it is given: for clients that find kinds out,
 * create, patch and remove, as {@code kubectl} and Helm do. Nothing watches it. What controllers of
 * a cluster would do to a stored object is a function of the test.
 */
public final class StoringApiServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern SELECTOR = Pattern.compile("labelSelector=([^&]+)");

  private final ApiDoor door;
  private final ApiKinds kinds = new ApiKinds();
  private final Map<String, ObjectNode> objects = new ConcurrentSkipListMap<>();
  private final List<String> writes = new CopyOnWriteArrayList<>();
  private final AtomicLong versions = new AtomicLong();

  /** What happens to an object before it is stored. */
  public volatile UnaryOperator<ObjectNode> onWrite = object -> object;

  /** Serves from now on. */
  public StoringApiServer() throws Exception {
    door = new ApiDoor(this::handle);
  }

  /** Writes a kubeconfig file into {@code home}. */
  public Path kubeconfig(Path home) throws IOException {
    return ((KubernetesAccess.Kubeconfig) door.kubeconfig(home)).file();
  }

  /** As the other, for a user who proves itself by what {@code user} says, in YAML of one line. */
  public Path kubeconfig(Path home, String user) throws IOException {
    return ((KubernetesAccess.Kubeconfig) door.kubeconfig(home, user)).file();
  }

  /**
   * Stores an object at a path such as {@code /api/v1/namespaces/shop}, as if it had been there.
   */
  public void put(String path, ObjectNode object) {
    ApiPath at = ApiPath.of(path);
    objects.put(at.key(at.name()), object);
  }

  /** The object at a path. */
  public Optional<JsonNode> get(String path) {
    ApiPath at = ApiPath.of(path);
    return Optional.ofNullable(objects.get(at.key(at.name())));
  }

  /** Kinds and names of all that is stored, such as {@code DaemonSet/sluice-node}. */
  public List<String> names() {
    return objects.values().stream()
        .map(each -> each.path("kind").asText() + "/" + each.at("/metadata/name").asText())
        .toList();
  }

  /** Method and path of each request that was to change something. */
  public List<String> writes() {
    return List.copyOf(writes);
  }

  private void handle(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    String path = exchange.getRequestURI().getPath();
    String method = exchange.getRequestMethod();
    try (exchange) {
      if (ApiDoor.caller(exchange).isEmpty()) {
        answer(exchange, 401, status(401, "Unauthorized"));
        return;
      }
      Optional<ObjectNode> aboutKinds = kinds.answer(path);
      if (aboutKinds.isPresent()) {
        answer(exchange, 200, aboutKinds.get());
      } else if (!path.startsWith("/api")) {
        answer(exchange, 404, status(404, "NotFound"));
      } else {
        if (!method.equals("GET")) {
          writes.add(method + " " + path);
        }
        serve(exchange, ApiPath.of(path), body);
      }
    }
  }

  private synchronized void serve(HttpExchange exchange, ApiPath path, byte[] body)
      throws IOException {
    String key = path.key(path.name());
    ObjectNode known = objects.get(key);
    String method = exchange.getRequestMethod();
    if (method.equals("GET") && path.name().isEmpty()) {
      answer(exchange, 200, list(path, exchange.getRequestURI().getRawQuery()));
    } else if (method.equals("POST")) {
      ObjectNode object = sent(exchange, body);
      String created = path.key(object.at("/metadata/name").asText());
      if (objects.containsKey(created)) {
        answer(exchange, 409, status(409, "AlreadyExists"));
      } else {
        answer(exchange, 201, store(path, created, object));
      }
    } else if (known == null) {
      answer(exchange, 404, status(404, "NotFound"));
    } else {
      switch (method) {
        case "GET" -> answer(exchange, 200, known);
        case "PUT" -> answer(exchange, 200, store(path, key, sent(exchange, body)));
        case "PATCH" -> {
          String type = exchange.getRequestHeaders().getFirst("Content-Type");
          ObjectNode changed = ApiPatch.applied(type, JSON.readTree(body), known);
          answer(exchange, 200, store(path, key, changed));
        }
        case "DELETE" -> {
          objects.remove(key);
          answer(exchange, 200, known);
        }
        default -> answer(exchange, 405, status(405, "MethodNotAllowed"));
      }
    }
  }

  private static ObjectNode sent(HttpExchange exchange, byte[] body) throws IOException {
    String type = exchange.getRequestHeaders().getFirst("Content-Type");
    return ProtobufSecret.MEDIA_TYPE.equals(type)
        ? ProtobufSecret.read(body)
        : (ObjectNode) JSON.readTree(body);
  }

  private ObjectNode store(ApiPath path, String key, ObjectNode object) {
    object.put("apiVersion", path.version()).put("kind", kinds.kind(path));
    ObjectNode metadata = object.withObject("/metadata");
    if (!path.namespace().isEmpty()) {
      metadata.put("namespace", path.namespace());
    }
    String version = Long.toString(versions.incrementAndGet());
    metadata.put("resourceVersion", version).put("generation", Long.parseLong(version));
    metadata.put("uid", metadata.path("uid").asText(version));
    if (path.resource().equals("customresourcedefinitions")) {
      kinds.define(object);
    }
    ObjectNode stored = onWrite.apply(object);
    objects.put(key, stored);
    return stored;
  }

  private ObjectNode list(ApiPath path, String query) {
    ObjectNode list = JSON.createObjectNode();
    list.put("apiVersion", path.version()).put("kind", kinds.kind(path) + "List");
    list.putObject("metadata").put("resourceVersion", versions.toString());
    list.putArray("items");
    Matcher selector = SELECTOR.matcher(query == null ? "" : query);
    List<String> wanted =
        selector.find()
            ? Arrays.asList(URLDecoder.decode(selector.group(1), StandardCharsets.UTF_8).split(","))
            : List.of();
    objects.forEach((key, object) -> {
      if (path.contains(key) && wanted.stream().allMatch(pair -> hasLabel(object, pair))) {
        list.withArray("items").add(object);
      }
    });
    return list;
  }

  private static boolean hasLabel(JsonNode object, String pair) {
    String[] parts = pair.split("=", 2);
    JsonNode label = object.path("metadata").path("labels").path(parts[0]);
    return parts.length == 2 ? label.asText().equals(parts[1]) : !label.isMissingNode();
  }

  private static ObjectNode status(int code, String reason) {
    ObjectNode status = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Status");
    return status
        .put("status", "Failure")
        .put("code", code)
        .put("reason", reason)
        .put("message", reason);
  }

  private static void answer(HttpExchange exchange, int code, JsonNode body) throws IOException {
    byte[] bytes = JSON.writeValueAsBytes(body);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(code, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Override
  public void close() {
    door.close();
  }
}
