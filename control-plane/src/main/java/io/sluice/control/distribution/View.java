package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.wire.ResourceKey;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one node needs, or has: what many have in common, and over it what is its own.
 *
 * @param base shared by every node that needs the same of other nodes
 * @param overlay for this node alone; hides what {@code base} has of the same name
 */
record View(Base base, Map<ResourceKey, Resource> overlay) {
  /** Nothing. */
  static final View NOTHING = new View(new Base(Map.of(), true), Map.of());

  /**
   * Resources by name; compared by identity.
   *
   * @param isShared whether more than one node has it, so that differences to it are worth keeping
   */
  static final class Base {
    final Map<ResourceKey, Resource> resources;
    final boolean isShared;

    Base(Map<ResourceKey, Resource> resources, boolean isShared) {
      this.resources = resources;
      this.isShared = isShared;
    }
  }

  /** What a node says it holds: contents are not known, only versions. */
  static View held(Map<ResourceKey, Resource> versions) {
    return new View(new Base(versions, false), Map.of());
  }

  @Nullable Resource get(ResourceKey key) {
    Resource own = overlay.get(key);
    return own == null ? base.resources.get(key) : own;
  }

  int size() {
    int size = base.resources.size();
    for (ResourceKey key : overlay.keySet()) {
      size += base.resources.containsKey(key) ? 0 : 1;
    }
    return size;
  }

  /** This and what only {@code earlier} has. */
  View with(View earlier) {
    Map<ResourceKey, Resource> all = new HashMap<>(earlier.base.resources);
    all.putAll(earlier.overlay);
    all.putAll(base.resources);
    all.putAll(overlay);
    return held(all);
  }
}
