package io.sluice.control.distribution;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.ResourceKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

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
  static Delta between(View from, View to) {
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
