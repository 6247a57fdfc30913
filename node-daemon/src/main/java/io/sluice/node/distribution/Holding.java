package io.sluice.node.distribution;

import io.sluice.api.discovery.v1.FollowRequest;
import io.sluice.api.discovery.v1.Held;
import io.sluice.api.discovery.v1.Hello;
import io.sluice.api.discovery.v1.Resource;
import io.sluice.api.discovery.v1.ResourceType;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Release;
import io.sluice.wire.MeshResource;
import io.sluice.wire.ResourceEncoder;
import io.sluice.wire.ResourceKey;
import io.sluice.wire.SnapshotAssembly;
import io.sluice.wire.UnusableResourceException;
import io.sluice.wire.WireLimits;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Resources with their versions. Immutable. */
final class Holding {
  /** Nothing. */
  static final Holding NOTHING = new Holding(Map.of());

  /** Leaves room for the framing of a message with one entry too many. */
  private static final int HELLO_BYTES = WireLimits.REQUEST_BYTES * 3 / 4;

  /** Of one entry, besides its name: version, tags and lengths. */
  private static final int ENTRY_BYTES = 20;

  /** A longest name takes three bytes a character. */
  private static final int BYTES_PER_CHARACTER = 3;

  /**
   * One of them.
   *
   * @param bytes of its content
   */
  record Entry(long version, int bytes, MeshResource object) {
    static Entry of(Resource resource, MeshResource object) {
      return new Entry(resource.getVersion(), resource.getContent().size(), object);
    }
  }

  private final Map<ResourceKey, Entry> entries;

  Holding(Map<ResourceKey, Entry> entries) {
    this.entries = Map.copyOf(entries);
  }

  /** What {@code snapshot} is made of. */
  static Holding of(MeshSnapshot snapshot) {
    Map<ResourceKey, Entry> entries = new HashMap<>();
    ResourceEncoder.resources(snapshot)
        .forEach(object -> {
          try {
            Resource resource = ResourceEncoder.encode(object);
            entries.put(object.key(), Entry.of(resource, object));
          } catch (UnusableResourceException e) {
            // By the rules of the release that kept it; the controller sends what it is now.
            System.getLogger(Holding.class.getName())
                .log(System.Logger.Level.WARNING, "resource_not_held " + e.getMessage());
          }
        });
    return new Holding(entries);
  }

  Map<ResourceKey, Entry> entries() {
    return entries;
  }

  int size() {
    return entries.size();
  }

  MeshSnapshot snapshot(long revision) {
    return SnapshotAssembly.of(revision, entries.values().stream().map(Entry::object).toList());
  }

  /** How a stream begins. */
  List<FollowRequest> hellos() {
    List<FollowRequest> hellos = new ArrayList<>();
    Map<ResourceType, Held.Builder> part = new EnumMap<>(ResourceType.class);
    int bytes = 0;
    for (Map.Entry<ResourceKey, Entry> one : entries.entrySet()) {
      ResourceKey key = one.getKey();
      part.computeIfAbsent(key.type(), type -> Held.newBuilder().setType(type))
          .putVersions(key.name(), one.getValue().version());
      bytes += ENTRY_BYTES + BYTES_PER_CHARACTER * key.name().length();
      if (bytes > HELLO_BYTES) {
        hellos.add(hello(part, true));
        part.clear();
        bytes = 0;
      }
    }
    hellos.add(hello(part, false));
    return hellos;
  }

  private static FollowRequest hello(Map<ResourceType, Held.Builder> held, boolean more) {
    Hello.Builder hello =
        Hello.newBuilder()
            .setFormat(WireLimits.FORMAT)
            .setSoftware(Release.VERSION)
            .setMoreFollow(more);
    held.values().forEach(hello::addHeld);
    return FollowRequest.newBuilder().setHello(hello).build();
  }
}
