package io.sluice.interception;

import io.sluice.linux.bpf.BpfMap;
import java.util.Map;
import java.util.function.Predicate;

/** Brings one owner's entries of a shared map to what they should be. */
final class MapUpdate {
  private MapUpdate() {}

  /**
   * Adds and changes first, then removes what is left over: a flow never meets a state in which
   * neither the old nor the new rule exists. Entries that {@code owned} denies are not touched.
   */
  static <K, V> void converge(BpfMap<K, V> map, Map<K, V> wanted, Predicate<K> owned) {
    Map<K, V> present = map.snapshot();
    wanted.forEach((key, value) -> {
      if (!value.equals(present.get(key))) {
        map.put(key, value);
      }
    });
    for (K key : present.keySet()) {
      if (owned.test(key) && !wanted.containsKey(key)) {
        map.remove(key);
      }
    }
  }
}
