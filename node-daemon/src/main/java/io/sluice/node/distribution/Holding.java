package io.sluice.node.distribution;

import io.sluice.api.discovery.v1.FollowRequest;
import io.sluice.api.discovery.v1.Held;
import io.sluice.api.discovery.v1.Hello;
import io.sluice.api.discovery.v1.Resource;
import io.sluice.api.discovery.v1.ResourceType;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.PersistentMap;
import io.sluice.mesh.Release;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.wire.MeshResource;
import io.sluice.wire.ResourceEncoder;
import io.sluice.wire.ResourceKey;
import io.sluice.wire.SnapshotAssembly;
import io.sluice.wire.UnusableResourceException;
import io.sluice.wire.WireLimits;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Resources with their versions, and the snapshot that they make. Immutable. */
final class Holding {
  /** Nothing. */
  static final Holding NOTHING = new Holding(PersistentMap.empty(), MeshSnapshot.EMPTY, 0);

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
  private record Entry(long version, int bytes, MeshResource object) {}

  private final PersistentMap<ResourceKey, Entry> entries;
  private final MeshSnapshot content;
  private final long bytes;

  private Holding(PersistentMap<ResourceKey, Entry> entries, MeshSnapshot content, long bytes) {
    this.entries = entries;
    this.content = content;
    this.bytes = bytes;
  }

  /** What {@code snapshot} is made of. */
  static Holding of(MeshSnapshot snapshot) {
    Edit edit = NOTHING.edit();
    ResourceEncoder.resources(snapshot)
        .forEach(object -> {
          try {
            edit.put(ResourceEncoder.encode(object), object);
          } catch (UnusableResourceException e) {
            // By the rules of the release that kept it; the controller sends what it is now.
            System.getLogger(Holding.class.getName())
                .log(System.Logger.Level.WARNING, "resource_not_held " + e.getMessage());
          }
        });
    return edit.result();
  }

  /** Begins what differs from this; this one stays as it is. */
  Edit edit() {
    return new Edit(this);
  }

  boolean holds(ResourceKey key) {
    return entries.containsKey(key);
  }

  int size() {
    return entries.size();
  }

  /** Of all contents. */
  long bytes() {
    return bytes;
  }

  MeshSnapshot snapshot(long revision) {
    return content.withRevision(revision);
  }

  /** Makes the next holding; costs what it changes. One thread. */
  static final class Edit {
    private final SnapshotEditor content;
    private PersistentMap<ResourceKey, Entry> entries;
    private long bytes;

    private Edit(Holding before) {
      this.content = before.content.edit();
      this.entries = before.entries;
      this.bytes = before.bytes;
    }

    /**
     * Adds it, or replaces the one of its name.
     *
     * @param object what {@code resource} says
     */
    void put(Resource resource, MeshResource object) {
      ResourceKey key = ResourceKey.of(resource);
      remove(key);
      Entry entry = new Entry(resource.getVersion(), resource.getContent().size(), object);
      entries = entries.with(key, entry);
      bytes += entry.bytes();
      SnapshotAssembly.put(content, object);
    }

    /** Removes it, if there is one. */
    void remove(ResourceKey key) {
      Entry entry = entries.get(key);
      if (entry != null) {
        entries = entries.without(key);
        bytes -= entry.bytes();
        SnapshotAssembly.remove(content, entry.object());
      }
    }

    Holding result() {
      return new Holding(entries, content.snapshot(0), bytes);
    }
  }

  /**
   * How a stream begins.
   *
   * @param interception how pods are intercepted, and why so
   */
  List<FollowRequest> hellos(String interception) {
    List<FollowRequest> hellos = new ArrayList<>();
    Map<ResourceType, Held.Builder> part = new EnumMap<>(ResourceType.class);
    int bytes = 0;
    for (Map.Entry<ResourceKey, Entry> one : entries.entrySet()) {
      ResourceKey key = one.getKey();
      part.computeIfAbsent(key.type(), type -> Held.newBuilder().setType(type))
          .putVersions(key.name(), one.getValue().version());
      bytes += ENTRY_BYTES + BYTES_PER_CHARACTER * key.name().length();
      if (bytes > HELLO_BYTES) {
        hellos.add(hello(part, true, interception));
        part.clear();
        bytes = 0;
      }
    }
    hellos.add(hello(part, false, interception));
    return hellos;
  }

  private static FollowRequest hello(
      Map<ResourceType, Held.Builder> held, boolean more, String interception) {
    Hello.Builder hello =
        Hello.newBuilder()
            .setFormat(WireLimits.FORMAT)
            .setSoftware(Release.VERSION)
            .setInterception(interception)
            .setMoreFollow(more);
    held.values().forEach(hello::addHeld);
    return FollowRequest.newBuilder().setHello(hello).build();
  }
}
