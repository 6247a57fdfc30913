package io.sluice.chaos;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.compile.RandomCluster;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.ReadableKind;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Everybody who writes to the cluster: usable and unusable objects that collide, find and lose each
 * other, come and go in crowds, and kinds that are installed and removed.
 */
final class ClusterChanges {
  private static final Set<ReadableKind> REMOVABLE =
      EnumSet.of(
          ReadableKind.TRAFFIC_TARGET,
          ReadableKind.TCP_ROUTE,
          ReadableKind.HTTP_ROUTE_GROUP,
          ReadableKind.MESH_CONFIG,
          ReadableKind.FSM_MESH_CONFIG);
  private static final String CROWD = "crowd-";

  /** Kinds with names so many that some objects stay as they are for a while. */
  private static final Set<ReadableKind> MANY =
      EnumSet.of(ReadableKind.POD, ReadableKind.ENDPOINT_SLICE, ReadableKind.TRAFFIC_TARGET);

  private static final int LONG_LIVED = 30;

  private final ClusterHistory history;
  private final List<String> nodes;
  private final Random random;
  private final RandomCluster documents;
  private final Set<ReadableKind> uninstalled = EnumSet.noneOf(ReadableKind.class);

  /** The last readable content of objects that are broken. */
  private final Map<String, ObjectNode> good = new HashMap<>();

  private long made;

  ClusterChanges(ClusterHistory history, List<String> nodes, long seed) {
    this.history = history;
    this.nodes = nodes;
    this.random = new Random(seed);
    this.documents = new RandomCluster(seed);
  }

  /** How many objects were written or removed. */
  long made() {
    return made;
  }

  /** So many. */
  void some(int count) {
    for (int i = 0; i < count; i++) {
      one();
    }
  }

  private void one() {
    int choice = random.nextInt(1_000);
    if (choice < 600) {
      put(document());
    } else if (choice < 800) {
      existing().ifPresent(this::remove);
    } else if (choice < 870) {
      existing().ifPresent(this::spoil);
    } else if (choice < 990) {
      existing().ifPresent(object -> put(touched(object)));
    } else if (choice < 996) {
      crowd();
    } else {
      installOrRemove();
    }
  }

  /** Two pods change, with the events the wrong way round. */
  void swapped() {
    ObjectNode first = pod();
    ObjectNode second = pod();
    history.swapped(() -> {
      put(first);
      put(second);
    });
  }

  /** Some changes whose events nobody gets to see. */
  void unseen() {
    history.unseen(() -> some(1 + random.nextInt(10)));
  }

  private void put(ObjectNode object) {
    if (isInstalled(object)) {
      history.put(object);
      made++;
    }
  }

  private void remove(ObjectNode object) {
    history.remove(object);
    made++;
  }

  private boolean isInstalled(ObjectNode object) {
    return uninstalled.stream().noneMatch(kind -> isOf(kind, object));
  }

  private Optional<ObjectNode> existing() {
    List<ObjectNode> all = history.objects();
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(random.nextInt(all.size())));
  }

  /** A new object of a kind that is read in the version in which it is written. */
  private ObjectNode document() {
    while (true) {
      ObjectNode object = ClusterHistory.parse(documents.document()).getFirst();
      boolean isRead =
          EnumSet.complementOf(EnumSet.of(ReadableKind.SERVICE_ACCOUNT)).stream()
              .anyMatch(kind -> isOf(kind, object));
      if (isRead) {
        if (isOf(ReadableKind.POD, object)) {
          place(object);
        }
        if (MANY.stream().anyMatch(kind -> isOf(kind, object)) && random.nextBoolean()) {
          ObjectNode metadata = object.withObject("/metadata");
          String name = metadata.path("name").asText() + "-" + random.nextInt(LONG_LIVED);
          metadata.put("name", name);
        }
        return object;
      }
    }
  }

  private ObjectNode pod() {
    ObjectNode object = document();
    while (!isOf(ReadableKind.POD, object)) {
      object = document();
    }
    return object;
  }

  private void place(ObjectNode pod) {
    int node = random.nextInt(nodes.size() + 2);
    if (node < nodes.size()) {
      pod.withObject("/spec").put("nodeName", nodes.get(node));
    } else if (node == nodes.size()) {
      pod.withObject("/spec").put("nodeName", "far-away");
    } else {
      pod.withObject("/spec").remove("nodeName");
    }
  }

  private static boolean isOf(ReadableKind kind, ObjectNode object) {
    String apiVersion = object.path("apiVersion").asText();
    String prefix = kind.group().isEmpty() ? "" : kind.group() + "/";
    return kind.kind().equals(object.path("kind").asText())
        && kind.versions().stream().anyMatch(version -> apiVersion.equals(prefix + version));
  }

  private static ObjectNode copy(ObjectNode object) {
    ObjectNode copy = object.deepCopy();
    // The server writes these anew.
    copy.withObject("/metadata").remove(List.of("managedFields", "resourceVersion"));
    copy.withObject("/metadata/annotations")
        .remove("kubectl.kubernetes.io/last-applied-configuration");
    return copy;
  }

  private ObjectNode touched(ObjectNode object) {
    ObjectNode copy = copy(object);
    copy.withObject("/metadata/annotations").put("example.com/seen", "at " + random.nextInt());
    return copy;
  }

  private void spoil(ObjectNode object) {
    ObjectNode copy = copy(object);
    boolean isPod = isOf(ReadableKind.POD, object);
    if (isPod && random.nextBoolean()) {
      copy.withObject("/status").putArray("podIPs").addObject().put("ip", "nowhere");
    } else {
      copy.withObject("/metadata").put("labels", "none");
    }
    if (!object.at("/metadata/labels").isTextual()) {
      good.putIfAbsent(name(object), copy(object));
    }
    put(copy);
  }

  private static String name(ObjectNode object) {
    return object.path("kind").asText()
        + object.path("apiVersion").asText()
        + object.at("/metadata/namespace").asText()
        + "/"
        + object.at("/metadata/name").asText();
  }

  /** Gives such objects content that can be read, or removes them. */
  void mend(List<ObjectNode> unread) {
    for (ObjectNode object : unread) {
      ObjectNode before = good.get(name(object));
      if (before == null || before.at("/status/podIPs/0/ip").asText().equals("nowhere")) {
        remove(object);
      } else {
        put(before);
      }
    }
    good.clear();
  }

  /** Removes the objects of these names. */
  void removeAll(Set<ObjectRef> named) {
    history.objects().stream().filter(object -> named.contains(ref(object))).forEach(this::remove);
  }

  private static ObjectRef ref(ObjectNode object) {
    String version = object.path("apiVersion").asText();
    return new ObjectRef(
        version.contains("/") ? version.substring(0, version.indexOf('/')) : "",
        object.path("kind").asText(),
        object.at("/metadata/namespace").asText(),
        object.at("/metadata/name").asText());
  }

  /** Many pods at once; the next time they go. */
  private void crowd() {
    List<ObjectNode> present =
        history.objects().stream()
            .filter(object -> object.at("/metadata/name").asText().startsWith(CROWD))
            .toList();
    if (!present.isEmpty()) {
      present.forEach(this::remove);
      return;
    }
    ObjectNode pattern = pod();
    int count = 20 + random.nextInt(150);
    for (int i = 0; i < count; i++) {
      ObjectNode pod = pattern.deepCopy();
      pod.withObject("/metadata").put("name", CROWD + i).remove("uid");
      pod.withObject("/status").putArray("podIPs").addObject().put("ip", "10.1.0." + (i + 1));
      place(pod);
      put(pod);
    }
  }

  /** A kind that goes takes its objects with it, as a definition does that is removed. */
  private void installOrRemove() {
    List<ReadableKind> kinds = List.copyOf(REMOVABLE);
    ReadableKind kind = kinds.get(random.nextInt(kinds.size()));
    if (uninstalled.remove(kind)) {
      history.install(kind);
    } else {
      history.objects().stream().filter(object -> isOf(kind, object)).forEach(this::remove);
      history.uninstall(kind);
      uninstalled.add(kind);
    }
  }
}
