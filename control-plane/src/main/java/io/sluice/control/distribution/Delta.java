package io.sluice.control.distribution;

import io.sluice.api.discovery.v1.Resource;
import io.sluice.wire.ResourceKey;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What leads from one view to another. */
record Delta(List<Resource> changed, List<ResourceKey> removed) {
  boolean isEmpty() {
    return changed.isEmpty() && removed.isEmpty();
  }

  /**
   * From {@code from} to {@code to}.
   *
   * @param baseDifference names of which the two bases hold different versions
   */
  static Delta between(View from, View to, Set<ResourceKey> baseDifference) {
    Set<ResourceKey> candidates = new HashSet<>(baseDifference);
    candidates.addAll(from.overlay().keySet());
    candidates.addAll(to.overlay().keySet());
    List<Resource> changed = new ArrayList<>();
    List<ResourceKey> removed = new ArrayList<>();
    for (ResourceKey key : candidates) {
      Resource before = from.get(key);
      Resource after = to.get(key);
      if (after == null) {
        if (before != null) {
          removed.add(key);
        }
      } else if (differ(before, after)) {
        changed.add(after);
      }
    }
    return new Delta(List.copyOf(changed), List.copyOf(removed));
  }

  /** Names of which {@code from} and {@code to} hold different versions. */
  static Set<ResourceKey> difference(View.Base from, View.Base to) {
    Set<ResourceKey> different = new HashSet<>();
    if (from == to) {
      return different;
    }
    for (Map.Entry<ResourceKey, Resource> after : to.resources.entrySet()) {
      if (differ(from.resources.get(after.getKey()), after.getValue())) {
        different.add(after.getKey());
      }
    }
    for (ResourceKey before : from.resources.keySet()) {
      if (!to.resources.containsKey(before)) {
        different.add(before);
      }
    }
    return different;
  }

  private static boolean differ(@Nullable Resource before, Resource after) {
    return before != after && (before == null || before.getVersion() != after.getVersion());
  }
}
