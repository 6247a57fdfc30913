package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.wire.ResourceKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What leads from one view to another. */
record Delta(List<Resource> changed, List<ResourceKey> removed) {
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
    for (ResourceKey key : candidates) {
      Resource before = from.get(key);
      Resource after = to.get(key);
      if (after == null) {
        if (before != null) {
          removed.add(key);
        }
      } else if (before == null || before.getVersion() != after.getVersion()) {
        changed.add(after);
      }
    }
    return new Delta(changed, removed);
  }
}
