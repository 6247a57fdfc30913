package io.sluice.interception;

import io.sluice.linux.bpf.BpfMap;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a shared map holds of each pod. It is read once, for a walk takes longer with every pod of
 * the node; from then on it holds what was written. For one thread at a time.
 */
final class KnownEntries<K, V> {
  private final Supplier<Map<K, V>> all;
  private final ToLongFunction<K> podOf;
  private final BiConsumer<K, V> put;
  private final Consumer<K> remove;
  private @Nullable Map<Long, Map<K, V>> known; // by pod; null until it was read

  KnownEntries(BpfMap<K, V> map, ToLongFunction<K> podOf) {
    this(map::snapshot, podOf, map::put, map::remove);
  }

  KnownEntries(
      Supplier<Map<K, V>> all, ToLongFunction<K> podOf, BiConsumer<K, V> put, Consumer<K> remove) {
    this.all = all;
    this.podOf = podOf;
    this.put = put;
    this.remove = remove;
  }

  /** Of this pod the map holds these and no others: adds and changes first, then removes. */
  void converge(long cookie, Map<K, V> wanted) {
    Map<Long, Map<K, V>> pods = known == null ? read() : known;
    known = null; // until all of it is done: it may fail half way
    Map<K, V> present = pods.getOrDefault(cookie, Map.of());
    wanted.forEach((key, value) -> {
      if (!value.equals(present.get(key))) {
        put.accept(key, value);
      }
    });
    for (K key : present.keySet()) {
      if (!wanted.containsKey(key)) {
        remove.accept(key);
      }
    }
    if (wanted.isEmpty()) {
      pods.remove(cookie);
    } else {
      pods.put(cookie, wanted);
    }
    known = pods;
  }

  /** The next change reads the map again: somebody else has changed what is this daemon's. */
  void distrust() {
    known = null;
  }

  private Map<Long, Map<K, V>> read() {
    Map<Long, Map<K, V>> read = new HashMap<>();
    all.get()
        .forEach((key, value) ->
            read.computeIfAbsent(podOf.applyAsLong(key), _ -> new HashMap<>()).put(key, value));
    return read;
  }
}
