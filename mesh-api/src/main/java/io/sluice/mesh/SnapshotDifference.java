package io.sluice.mesh;

import java.util.HashSet;
import java.util.Set;

/**
 * What differs between two snapshots.
 *
 * @param settings whether the settings do
 * @param workloads names of those that only one of the two has, or that are not equal in them
 * @param services likewise
 * @param permissions likewise
 * @param namespaces Kubernetes namespaces, likewise
 */
public record SnapshotDifference(
    boolean settings,
    Set<NamespacedName> workloads,
    Set<NamespacedName> services,
    Set<NamespacedName> permissions,
    Set<String> namespaces) {
  public SnapshotDifference {
    workloads = Set.copyOf(workloads);
    services = Set.copyOf(services);
    permissions = Set.copyOf(permissions);
    namespaces = Set.copyOf(namespaces);
  }

  static SnapshotDifference between(MeshSnapshot.Content from, MeshSnapshot.Content to) {
    return new SnapshotDifference(
        !from.settings().equals(to.settings()),
        unequal(from.workloads(), to.workloads()),
        unequal(from.services(), to.services()),
        unequal(from.permissions(), to.permissions()),
        unequal(from.namespaces(), to.namespaces()));
  }

  private static <K, V> Set<K> unequal(PersistentMap<K, V> from, PersistentMap<K, V> to) {
    Set<K> keys = new HashSet<>(from.differingKeys(to));
    keys.removeIf(key -> {
      V before = from.get(key);
      return before != null && before.equals(to.get(key));
    });
    return keys;
  }

  /** Whether the two say the same. */
  public boolean isEmpty() {
    return !settings
        && workloads.isEmpty()
        && services.isEmpty()
        && permissions.isEmpty()
        && namespaces.isEmpty();
  }
}
