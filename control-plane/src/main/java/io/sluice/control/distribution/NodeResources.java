package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.PersistentMap;
import io.sluice.mesh.ResourceKey;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one node needs, or has: what many have in common, and over it what is its own. Both share
 * with those of other nodes and revisions what is the same.
 *
 * @param overlay for this node alone; hides what {@code base} has of the same name
 */
record NodeResources(
    PersistentMap<ResourceKey, Resource> base, PersistentMap<ResourceKey, Resource> overlay) {
  /** Nothing. */
  static final NodeResources NOTHING =
      new NodeResources(PersistentMap.empty(), PersistentMap.empty());

  /** What a node says it holds: contents are not known, only versions. */
  static NodeResources held(Map<ResourceKey, Resource> versions) {
    return new NodeResources(PersistentMap.copyOf(versions), PersistentMap.empty());
  }

  @Nullable Resource get(ResourceKey key) {
    Resource own = overlay.get(key);
    return own == null ? base.get(key) : own;
  }

  /** All of it, in order of name. */
  List<Resource> inOrder() {
    List<Resource> all = new ArrayList<>(overlay.values());
    base.forEach((key, resource) -> {
      if (!overlay.containsKey(key)) {
        all.add(resource);
      }
    });
    all.sort(Comparator.comparing(Resource::getName));
    return all;
  }

  /** This and what only {@code earlier} has. */
  NodeResources with(NodeResources earlier) {
    PersistentMap<ResourceKey, Resource> kept = overlay;
    for (ResourceKey key : Delta.between(earlier, this).removed()) {
      Resource resource = earlier.get(key);
      if (resource != null) {
        kept = kept.with(key, resource);
      }
    }
    return new NodeResources(base, kept);
  }

  /**
   * What leads from one view to another.
   *
   * @param changed new ones, and others in the place of earlier ones
   * @param removed names of which there is none any more
   * @param grows how many more the other view has; negative for fewer
   */
  record Delta(List<Resource> changed, List<ResourceKey> removed, int grows) {
    Delta {
      changed = List.copyOf(changed);
      removed = List.copyOf(removed);
    }

    boolean isEmpty() {
      return changed.isEmpty() && removed.isEmpty();
    }

    /** From {@code from} to {@code to}; costs what the two do not share. */
    static Delta between(NodeResources from, NodeResources to) {
      Set<ResourceKey> candidates = from.base().differingKeys(to.base());
      candidates.addAll(from.overlay().differingKeys(to.overlay()));
      List<Resource> changed = new ArrayList<>();
      List<ResourceKey> removed = new ArrayList<>();
      int added = 0;
      for (ResourceKey key : candidates) {
        Resource before = from.get(key);
        Resource after = to.get(key);
        if (after == null) {
          if (before != null) {
            removed.add(key);
          }
        } else if (before == null || !before.getVersion().equals(after.getVersion())) {
          changed.add(after);
          added += before == null ? 1 : 0;
        }
      }
      return new Delta(changed, removed, added - removed.size());
    }
  }
}
