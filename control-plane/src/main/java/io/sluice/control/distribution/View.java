package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.PersistentMap;
import io.sluice.mesh.ResourceKey;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one node needs, or has: what many have in common, and over it what is its own. Both share
 * with those of other nodes and revisions what is the same.
 *
 * @param overlay for this node alone; hides what {@code base} has of the same name
 */
record View(
    PersistentMap<ResourceKey, Resource> base, PersistentMap<ResourceKey, Resource> overlay) {
  /** Nothing. */
  static final View NOTHING = new View(PersistentMap.empty(), PersistentMap.empty());

  /** What a node says it holds: contents are not known, only versions. */
  static View held(Map<ResourceKey, Resource> versions) {
    return new View(PersistentMap.copyOf(versions), PersistentMap.empty());
  }

  @Nullable Resource get(ResourceKey key) {
    Resource own = overlay.get(key);
    return own == null ? base.get(key) : own;
  }

  /** This and what only {@code earlier} has. */
  View with(View earlier) {
    PersistentMap<ResourceKey, Resource> kept = overlay;
    for (ResourceKey key : Delta.between(earlier, this).removed()) {
      Resource resource = earlier.get(key);
      if (resource != null) {
        kept = kept.with(key, resource);
      }
    }
    return new View(base, kept);
  }
}
