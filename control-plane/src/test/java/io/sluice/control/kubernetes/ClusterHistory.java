package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.objects.ReadableKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * The objects of a cluster and every event since the last compaction, like etcd's: one number for
 * each change. Objects get what a real API server adds to them.
 */
public final class ClusterHistory {
  /** In place of an event: the connection is to break. */
  public static final String CUT = "cut";

  static final String DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Set<String> WATCHED =
      Stream.concat(
              Stream.of(DEFINITIONS), Stream.of(ReadableKind.values()).map(ClusterHistory::path))
          .collect(Collectors.toUnmodifiableSet());

  private final Map<String, TreeMap<String, ObjectNode>> objects = new TreeMap<>();
  private final List<Event> events = new ArrayList<>();
  private final Set<String> withoutStatus = new HashSet<>();
  private final Set<ReadableKind> served = EnumSet.allOf(ReadableKind.class);
  private long revision = 100;
  private long compacted;
  private boolean closed;

  /** Versions from which no watch may go on. */
  private final Set<Long> unusable = new HashSet<>();

  /** What an API server answers. */
  record Outcome(int code, JsonNode body) {}

  /** An answer to a request that is not taken. */
  static Outcome failure(int code, String reason) {
    ObjectNode status = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Status");
    status.put("status", "Failure").put("code", code).put("reason", reason).put("message", reason);
    return new Outcome(code, status);
  }

  /** One that is not kept is sent once only, as a fault of the connection would be. */
  private record Event(long revision, String path, String line, boolean isKept) {}

  static String path(ReadableKind kind) {
    String root = kind.group().isEmpty() ? "/api/" : "/apis/" + kind.group() + "/";
    return root + kind.versions().getFirst() + "/" + kind.resource();
  }

  private static Optional<ReadableKind> kind(String group, String kind) {
    return EnumSet.allOf(ReadableKind.class).stream()
        .filter(known -> known.group().equals(group) && known.kind().equals(kind))
        .findFirst();
  }

  /** Whether there are such lists; of kinds that nobody watches there always are. */
  synchronized boolean isServed(ApiPath at) {
    return Stream.of(ReadableKind.values())
        .filter(kind -> kind.group().equals(at.group()) && kind.resource().equals(at.resource()))
        .allMatch(kind -> served.contains(kind) && path(kind).equals(at.collection()));
  }

  /** Takes the kind away with its objects. */
  public synchronized void uninstall(ReadableKind kind) {
    served.remove(kind);
    objects.remove(path(kind));
    emit(path(kind), "", false); // the watch ends
    emit(DEFINITIONS, event("DELETED", definition(kind)));
  }

  /** Serves the kind again; it has no objects. */
  public synchronized void install(ReadableKind kind) {
    served.add(kind);
    emit(DEFINITIONS, event("ADDED", definition(kind)));
  }

  /** As far as anybody here reads it. */
  private ObjectNode definition(ReadableKind kind) {
    ObjectNode definition = JSON.createObjectNode();
    definition
        .putObject("metadata")
        .put("name", kind.resource() + "." + kind.group())
        .put("resourceVersion", Long.toString(revision + 1));
    return definition;
  }

  private TreeMap<String, ObjectNode> collection(String path) {
    TreeMap<String, ObjectNode> written = objects.getOrDefault(path, new TreeMap<>());
    if (!path.equals(DEFINITIONS) || !written.isEmpty()) {
      return written;
    }
    TreeMap<String, ObjectNode> definitions = new TreeMap<>();
    served.stream()
        .filter(kind -> !kind.isBuiltIn())
        .forEach(kind -> definitions.put(kind.resource() + kind.group(), definition(kind)));
    return definitions;
  }

  /** Creates or replaces every object of a manifest. */
  public synchronized void apply(String yaml) {
    parse(yaml).forEach(this::put);
  }

  /** The objects of a manifest. */
  public static List<ObjectNode> parse(String yaml) {
    List<ObjectNode> parsed = new ArrayList<>();
    for (Object document : new Load(LoadSettings.builder().build()).loadAllFromString(yaml)) {
      parsed.add(JSON.valueToTree(document));
    }
    return parsed;
  }

  /** Creates or replaces an object, and takes it over; while it exists, it keeps its uid. */
  public synchronized void put(ObjectNode object) {
    ObjectNode metadata = object.withObject("/metadata");
    String path = path(object);
    if (!metadata.has("namespace") && isNamespaced(object)) {
      metadata.put("namespace", "default");
    }
    ObjectNode before = objects.getOrDefault(path, new TreeMap<>()).get(key(object));
    if (before != null && before.has("status") && !object.has("status")) {
      object.set("status", before.get("status"));
    }
    stamp(object, before);
    metadata.put("creationTimestamp", "2026-11-20T09:44:00Z");
    metadata
        .withObject("/annotations")
        .put("kubectl.kubernetes.io/last-applied-configuration", object.toString());
    ObjectNode field = metadata.putArray("managedFields").addObject();
    field.put("manager", "kubectl").put("operation", "Update").put("fieldsType", "FieldsV1");
    field.putObject("fieldsV1").putObject("f:spec").putObject("f:containers").putObject(".");
    keep(path, key(object), object);
  }

  /** What every write changes. */
  private void stamp(ObjectNode object, @Nullable ObjectNode before) {
    ObjectNode metadata = object.withObject("/metadata");
    if (before != null) {
      metadata.set("uid", before.path("metadata").path("uid"));
    } else if (!metadata.has("uid")) {
      metadata.put("uid", UUID.randomUUID().toString());
    }
    boolean isSame = before != null && before.path("spec").equals(object.path("spec"));
    long generation = before == null ? 0 : before.at("/metadata/generation").asLong();
    metadata.put("generation", isSame ? generation : generation + 1);
    metadata.put("resourceVersion", Long.toString(revision + 1));
  }

  /** The name of an object that is created; one that leaves it to the server gets a new one. */
  synchronized String nameOf(ObjectNode object) {
    ObjectNode metadata = object.withObject("/metadata");
    if (!metadata.has("name")) {
      metadata.put("name", metadata.path("generateName").asText("object-") + revision);
    }
    return metadata.path("name").asText();
  }

  /** The object at a path, as it is stored, or null. */
  synchronized @Nullable ObjectNode find(ApiPath at) {
    ObjectNode known = objects.getOrDefault(at.collection(), new TreeMap<>()).get(at.key());
    return known == null ? null : known.deepCopy();
  }

  /** Stores an object as it is, but for its version. */
  synchronized void place(ApiPath at, ObjectNode object) {
    object.withObject("/metadata").put("resourceVersion", Long.toString(revision + 1));
    keep(at.collection(), at.key(), object);
  }

  /** Stores what a client has sent, after what controllers do to it; returns it as stored. */
  synchronized ObjectNode write(
      ApiPath at, ObjectNode sent, UnaryOperator<ObjectNode> controllers) {
    stamp(sent, find(at));
    ObjectNode object = controllers.apply(sent);
    keep(at.collection(), at.key(), object);
    return object.deepCopy();
  }

  /**
   * Has every object of {@code other} too, after what controllers do to it; {@code other} does not
   * change meanwhile.
   */
  synchronized void takeAllOf(ClusterHistory other, UnaryOperator<ObjectNode> controllers) {
    other.objects.forEach((path, named) ->
        named.forEach((key, object) -> {
          ObjectNode copy = object.deepCopy();
          copy.withObject("/metadata").put("resourceVersion", Long.toString(revision + 1));
          keep(path, key, controllers.apply(copy));
        }));
  }

  private void keep(String path, String key, ObjectNode object) {
    ObjectNode before = objects.computeIfAbsent(path, _ -> new TreeMap<>()).put(key, object);
    emit(path, event(before == null ? "ADDED" : "MODIFIED", object));
  }

  /** Removes the object of a key, if there is one. */
  synchronized boolean drop(String path, String key) {
    ObjectNode object = objects.getOrDefault(path, new TreeMap<>()).remove(key);
    if (object != null) {
      object.withObject("/metadata").put("resourceVersion", Long.toString(revision + 1));
      emit(path, event("DELETED", object));
    }
    return object != null;
  }

  /** Removes every object of a manifest. */
  public synchronized void delete(String yaml) {
    parse(yaml).forEach(this::remove);
  }

  /** Removes the object of that kind and name. */
  public synchronized void remove(ObjectNode named) {
    if (!drop(path(named), key(named))) {
      throw new IllegalStateException("no such object");
    }
  }

  /** Every object of a kind that is watched, in order of kind and name; not to be changed. */
  public synchronized List<ObjectNode> objects() {
    return objects.entrySet().stream()
        .filter(ofOneKind -> WATCHED.contains(ofOneKind.getKey()))
        .flatMap(ofOneKind -> ofOneKind.getValue().values().stream())
        .toList();
  }

  /** Every object; not to be changed. */
  synchronized List<ObjectNode> all() {
    return objects.values().stream().flatMap(ofOneKind -> ofOneKind.values().stream()).toList();
  }

  /** Merges a status into the object at this path, as its subresource does. */
  synchronized Outcome patchStatus(ApiPath at, JsonNode patch) {
    ObjectNode changed = find(at);
    if (changed == null || withoutStatus.contains(at.collection())) {
      return failure(404, "NotFound");
    }
    if (!changed.at("/metadata/resourceVersion").equals(patch.at("/metadata/resourceVersion"))) {
      return failure(409, "Conflict");
    }
    changed.set("status", patch.path("status"));
    place(at, changed);
    return new Outcome(200, changed.deepCopy());
  }

  /** Acts as if the definition of the kind had no status subresource. */
  public synchronized void removeStatus(ReadableKind kind) {
    withoutStatus.add(path(kind));
  }

  /** The object of a manifest as it is stored. */
  public synchronized JsonNode stored(String yaml) {
    JsonNode named =
        JSON.valueToTree(new Load(LoadSettings.builder().build()).loadFromString(yaml));
    return Objects.requireNonNull(
            objects.getOrDefault(path(named), new TreeMap<>()).get(key(named)))
        .deepCopy();
  }

  private static String path(JsonNode object) {
    String apiVersion = object.path("apiVersion").asText();
    int slash = apiVersion.indexOf('/');
    String group = slash < 0 ? "" : apiVersion.substring(0, slash);
    return path(kind(group, object.path("kind").asText()).orElseThrow());
  }

  private static boolean isNamespaced(JsonNode object) {
    return !Set.of("Namespace", "Node", "Isolation").contains(object.path("kind").asText());
  }

  private static String key(JsonNode object) {
    String namespace = object.path("metadata").path("namespace").asText("default");
    return namespace + "/" + object.path("metadata").path("name").asText();
  }

  private static String event(String type, JsonNode object) {
    ObjectNode event = JSON.createObjectNode().put("type", type);
    event.set("object", object);
    return event.toString();
  }

  private void emit(String path, String line) {
    emit(path, line, true);
  }

  private void emit(String path, String line, boolean isKept) {
    revision++;
    if (WATCHED.contains(path)) {
      events.add(new Event(revision, path, line, isKept));
      notifyAll();
    }
  }

  /** Sends this line once to who watches the kind, as it is. */
  public synchronized void send(ReadableKind kind, String line) {
    emit(path(kind), line, false);
  }

  /** Sends the newest event of the kind, or an older one, again, as far back as there are any. */
  public synchronized void repeat(ReadableKind kind, int back) {
    List<Event> own = events.stream().filter(event -> event.path().equals(path(kind))).toList();
    if (!own.isEmpty()) {
      emit(path(kind), own.get(Math.max(0, own.size() - 1 - back)).line(), false);
    }
  }

  /**
   * Makes two changes of one kind whose events come the wrong way round. A watch that goes on from
   * the later one without having seen the earlier is answered with 410: nobody could know of it.
   */
  public synchronized void swapped(Runnable two) {
    int before = events.size();
    two.run();
    if (events.size() == before + 2
        && events.get(before).path().equals(events.get(before + 1).path())) {
      Event later = events.removeLast();
      Event earlier = events.removeLast();
      String lines = later.line() + "\n" + earlier.line();
      events.add(new Event(later.revision(), later.path(), lines, true));
      unusable.add(later.revision());
      revision++; // a list taken now is not from the unusable version
    }
  }

  /** Tells who watches the kind how far the server has come. */
  public synchronized void bookmark(ReadableKind kind) {
    emit(
        path(kind),
        "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\""
            + kind.kind()
            + "\",\"metadata\":{\"resourceVersion\":\""
            + (revision + 1)
            + "\"}}}");
  }

  /** Forgets all events, so that a watch from before the last one is answered with 410. */
  public synchronized void compact() {
    compactTo(revision);
  }

  /** Forgets all but so many events. */
  public synchronized void keepNewest(int count) {
    if (events.size() > count) {
      compactTo(events.get(events.size() - count - 1).revision());
    }
  }

  private void compactTo(long last) {
    events.removeIf(event -> event.revision() <= last);
    unusable.removeIf(version -> version < last);
    compacted = last;
    notifyAll();
  }

  /** Changes something and forgets the events of it before anybody sees them. */
  public synchronized void unseen(Runnable changes) {
    changes.run();
    compact();
  }

  /** One page of a list; empty where its token is from before the compaction. */
  synchronized Optional<ObjectNode> list(
      ApiPath of, String selector, long at, String after, int limit) {
    if (at != 0 && at < compacted) {
      return Optional.empty();
    }
    ObjectNode list = JSON.createObjectNode();
    ObjectNode metadata = list.putObject("metadata");
    metadata.put("resourceVersion", Long.toString(at == 0 ? revision : at));
    var items = list.putArray("items");
    String last = "";
    for (var entry : collection(of.collection()).tailMap(after, false).entrySet()) {
      if (!of.contains(entry.getKey()) || !isSelected(entry.getValue(), selector)) {
        continue;
      }
      if (items.size() == limit) {
        metadata.put("continue", (at == 0 ? revision : at) + ":" + last);
        break;
      }
      ObjectNode item = entry.getValue().deepCopy();
      item.remove(List.of("apiVersion", "kind")); // as for every kind that is built in
      items.add(item);
      last = entry.getKey();
    }
    return Optional.of(list);
  }

  private static boolean isSelected(JsonNode object, String selector) {
    return Stream.of(selector.split(","))
        .filter(pair -> !pair.isEmpty())
        .map(pair -> pair.split("=", 2))
        .allMatch(pair -> {
          JsonNode label = object.at("/metadata/labels").path(pair[0]);
          return pair.length == 2 ? label.asText().equals(pair[1]) : !label.isMissingNode();
        });
  }

  synchronized Cursor cursor(String path, long from) {
    return new Cursor(path, from);
  }

  synchronized void close() {
    closed = true;
    notifyAll();
  }

  /** Where one watch has come to. */
  final class Cursor {
    private final String path;
    private long at;

    private Cursor(String path, long from) {
      this.path = path;
      this.at = unusable.contains(from) ? -1 : from;
    }

    /** The next line; empty at the end of the watch. */
    String next(long endNanos) throws InterruptedException {
      synchronized (ClusterHistory.this) {
        while (!closed && System.nanoTime() - endNanos < 0) {
          if (at < compacted) {
            at = Long.MAX_VALUE;
            return "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,"
                + "\"reason\":\"Expired\",\"message\":\"too old resource version\"}}";
          }
          if (at == Long.MAX_VALUE) {
            return "";
          }
          for (Event event : events) {
            if (event.revision() > at && event.path().equals(path)) {
              at = event.revision();
              if (!event.isKept()) {
                events.remove(event);
              }
              return event.line();
            }
          }
          at = Math.max(at, revision); // a watch that has seen everything outlives a compaction
          long left = Duration.ofNanos(endNanos - System.nanoTime()).toMillis();
          ClusterHistory.this.wait(Math.max(1, left));
        }
        return "";
      }
    }
  }
}
