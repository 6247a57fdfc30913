package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * What of a cluster is written: Leases and ConfigMaps, and the statuses of its objects. Resource
 * versions guard all as they do in an API server. Every write that was taken is noted with who made
 * it, and when.
 */
public final class FakeWrites {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ClusterHistory history;
  private final Map<String, ObjectNode> objects = new ConcurrentHashMap<>();
  private final List<Write> writes = new CopyOnWriteArrayList<>();
  private long version = 1;

  FakeWrites(ClusterHistory history) {
    this.history = history;
  }

  /**
   * A write that was taken.
   *
   * @param caller whose token it came with
   * @param nanos when, by {@link System#nanoTime}
   */
  public record Write(String caller, String path, JsonNode body, long nanos) {
    /** Whether it was to a status, and not to a Lease. */
    public boolean isOfStatus() {
      return path.endsWith("/status");
    }
  }

  /** What an API server would answer. */
  record Outcome(int code, String body) {}

  /** Every write so far. */
  public List<Write> all() {
    return List.copyOf(writes);
  }

  /** The statuses that were written so far. */
  public List<Write> statuses() {
    return writes.stream().filter(Write::isOfStatus).toList();
  }

  /** The object at {@code path} as it is stored; empty where there is none. */
  public Optional<JsonNode> stored(String path) {
    return Optional.ofNullable(objects.get(path));
  }

  /** Stores what somebody else has written. */
  public synchronized void place(String path, String object) {
    try {
      store(path, (ObjectNode) JSON.readTree(object), 200);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Removes an object, as somebody else does. */
  public synchronized void remove(String path) {
    objects.remove(path);
  }

  /** Whether whole objects are written there, which nothing watches. */
  static boolean isWhole(String path) {
    return path.contains("/leases") || isConfigMap(path);
  }

  static boolean isConfigMap(String path) {
    return path.contains("/configmaps");
  }

  synchronized Outcome handle(String caller, String method, String path, String body)
      throws IOException {
    JsonNode sent = body.isEmpty() ? JSON.createObjectNode() : JSON.readTree(body);
    // Noted before anybody can see it.
    Write write = new Write(caller, path, sent, System.nanoTime());
    writes.add(write);
    Outcome outcome =
        switch (method) {
          case "GET" -> get(path);
          case "POST" -> post(path, (ObjectNode) sent);
          case "PUT" -> put(path, (ObjectNode) sent);
          case "PATCH" -> history.patchStatus(path.replaceFirst("/status$", ""), sent);
          default -> status(405, "method not allowed");
        };
    if (method.equals("GET") || outcome.code() / 100 != 2) {
      writes.remove(write);
    }
    return outcome;
  }

  private Outcome get(String path) {
    ObjectNode object = objects.get(path);
    return object == null ? status(404, path + " not found") : new Outcome(200, object.toString());
  }

  private Outcome post(String collection, ObjectNode object) {
    String path = collection + "/" + object.at("/metadata/name").asText();
    return objects.containsKey(path) ? status(409, "already exists") : store(path, object, 201);
  }

  private Outcome put(String path, ObjectNode object) {
    ObjectNode known = objects.get(path);
    if (known == null) {
      return status(404, path + " not found");
    }
    return known.at("/metadata/resourceVersion").equals(object.at("/metadata/resourceVersion"))
        ? store(path, object, 200)
        : status(409, "the object has been modified");
  }

  private Outcome store(String path, ObjectNode object, int code) {
    object.withObject("/metadata").put("resourceVersion", Long.toString(version++));
    objects.put(path, object);
    return new Outcome(code, object.toString());
  }

  static Outcome status(int code, String message) {
    return new Outcome(
        code,
        JSON.createObjectNode()
            .put("kind", "Status")
            .put("code", code)
            .put("message", message)
            .toString());
  }
}
