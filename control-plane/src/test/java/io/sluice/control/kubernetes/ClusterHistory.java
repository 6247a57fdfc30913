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

  private final Map<String, TreeMap<String, ObjectNode>> objects = new TreeMap<>();
  private final List<Event> events = new ArrayList<>();
  private final Set<String> withoutStatus = new HashSet<>();
  private final Set<ReadableKind> served = EnumSet.allOf(ReadableKind.class);
  private long revision = 100;
  private long compacted;
  private boolean closed;

  /** Versions from which no watch may go on. */
  private final Set<Long> unusable = new HashSet<>();

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

  synchronized boolean isServed(String path) {
    return path.equals(DEFINITIONS) || served.stream().anyMatch(kind -> path(kind).equals(path));
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
    if (!path.equals(DEFINITIONS)) {
      return objects.getOrDefault(path, new TreeMap<>());
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
    TreeMap<String, ObjectNode> own = objects.computeIfAbsent(path, _ -> new TreeMap<>());
    ObjectNode before = own.get(key(object));
    if (before != null) {
      metadata.set("uid", before.path("metadata").path("uid"));
    } else if (!metadata.has("uid")) {
      metadata.put("uid", UUID.randomUUID().toString());
    }
    if (before != null && before.has("status") && !object.has("status")) {
      object.set("status", before.get("status"));
    }
    boolean isSame = before != null && before.path("spec").equals(object.path("spec"));
    long generation = before == null ? 0 : before.at("/metadata/generation").asLong();
    metadata.put("generation", isSame ? generation : generation + 1);
    metadata.put("resourceVersion", Long.toString(revision + 1));
    metadata.put("creationTimestamp", "2026-11-20T09:44:00Z");
    metadata
        .withObject("/annotations")
        .put("kubectl.kubernetes.io/last-applied-configuration", object.toString());
    ObjectNode field = metadata.putArray("managedFields").addObject();
    field.put("manager", "kubectl").put("operation", "Update").put("fieldsType", "FieldsV1");
    field.putObject("fieldsV1").putObject("f:spec").putObject("f:containers").putObject(".");
    own.put(key(object), object);
    emit(path, event(before == null ? "ADDED" : "MODIFIED", object));
  }

  /** Removes every object of a manifest. */
  public synchronized void delete(String yaml) {
    parse(yaml).forEach(this::remove);
  }

  /** Removes the object of that kind and name. */
  public synchronized void remove(ObjectNode named) {
    ObjectNode object =
        Objects.requireNonNull(
            objects.computeIfAbsent(path(named), _ -> new TreeMap<>()).remove(key(named)),
            "no such object");
    object.withObject("/metadata").put("resourceVersion", Long.toString(revision + 1));
    emit(path(named), event("DELETED", object));
  }

  /** Every object, in order of kind and name; not to be changed. */
  public synchronized List<ObjectNode> objects() {
    return objects.values().stream().flatMap(ofOneKind -> ofOneKind.values().stream()).toList();
  }

  /** Merges a status into the object of this path, as its subresource does. */
  synchronized FakeWrites.Outcome patchStatus(String path, JsonNode patch) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    String collection = path.replaceFirst("/namespaces/[^/]+", "").replaceFirst("/[^/]+$", "");
    String key = path.replaceFirst(".*/namespaces/([^/]+)/.*", "$1") + "/" + name;
    TreeMap<String, ObjectNode> own = objects.getOrDefault(collection, new TreeMap<>());
    ObjectNode known = own.get(key);
    if (known == null || withoutStatus.contains(collection)) {
      return FakeWrites.status(404, name + " not found");
    }
    if (!known.at("/metadata/resourceVersion").equals(patch.at("/metadata/resourceVersion"))) {
      return FakeWrites.status(409, "the object has been modified");
    }
    ObjectNode changed = known.deepCopy();
    changed.set("status", patch.path("status"));
    changed.withObject("/metadata").put("resourceVersion", Long.toString(revision + 1));
    own.put(key, changed);
    emit(collection, event("MODIFIED", changed));
    return new FakeWrites.Outcome(200, changed.toString());
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

  /** The path of the collection that an object is created in. */
  static String collection(JsonNode object) {
    String path = path(object);
    int slash = path.lastIndexOf('/');
    return !isNamespaced(object)
        ? path
        : path.substring(0, slash)
            + "/namespaces/"
            + object.at("/metadata/namespace").asText("default")
            + path.substring(slash);
  }

  private static boolean isNamespaced(JsonNode object) {
    return !Set.of("Namespace", "Node").contains(object.path("kind").asText());
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
    events.add(new Event(++revision, path, line, isKept));
    notifyAll();
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
  synchronized Optional<JsonNode> list(String path, long at, String after, int limit) {
    if (at != 0 && at < compacted) {
      return Optional.empty();
    }
    ObjectNode list = JSON.createObjectNode().put("kind", "List").put("apiVersion", "v1");
    ObjectNode metadata = list.putObject("metadata");
    metadata.put("resourceVersion", Long.toString(at == 0 ? revision : at));
    var items = list.putArray("items");
    String last = "";
    for (var entry : collection(path).tailMap(after, false).entrySet()) {
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
