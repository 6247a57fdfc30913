package io.sluice.control.distribution;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Several values by key; a key without a value takes no room. One thread. */
final class SetIndex<K, V> {
  private final Map<K, Set<V>> values = new HashMap<>();

  /** The values of {@code key}, to be read before the next change. */
  Set<V> get(K key) {
    return values.getOrDefault(key, Set.of());
  }

  void add(K key, V value) {
    values.computeIfAbsent(key, none -> new HashSet<>()).add(value);
  }

  void remove(K key, V value) {
    values.computeIfPresent(
        key,
        (same, present) -> {
          present.remove(value);
          return present.isEmpty() ? null : present;
        });
  }

  /** Puts {@code value} under {@code after}, where it was under {@code before}. */
  void move(Set<K> before, Set<K> after, V value) {
    for (K key : before) {
      if (!after.contains(key)) {
        remove(key, value);
      }
    }
    for (K key : after) {
      if (!before.contains(key)) {
        add(key, value);
      }
    }
  }
}
