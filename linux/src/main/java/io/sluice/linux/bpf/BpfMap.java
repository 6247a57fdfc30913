package io.sluice.linux.bpf;

import io.sluice.linux.syscall.Scratch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * A hash, array or prefix map with typed keys and values. One call is one system call of about a
 * microsecond: keep loops of them off the event loop. Safe for use by several threads.
 */
public final class BpfMap<K, V> {
  private final BpfMapFd map;
  private final MapOperations operations;
  private final MapCodec<K> keys;
  private final MapCodec<V> values;

  /**
   * A typed view; the caller still owns {@code map}.
   *
   * @throws IllegalArgumentException when the sizes differ from the map's, or the map is per-CPU
   */
  public BpfMap(BpfMapFd map, MapCodec<K> keys, MapCodec<V> values) {
    this.map = map;
    this.operations = map.operations();
    this.keys = keys;
    this.values = values;
    var info = map.info();
    if (MapType.isPerCpu(info.type())) {
      throw new IllegalArgumentException(map.subject() + " has a value per CPU: use PerCpuBpfMap");
    }
    MapSizes.check(map, "key", info.keySize(), keys.size());
    MapSizes.check(map, "value", info.valueSize(), values.size());
  }

  /** The value of a key, if it is there. */
  public Optional<V> lookup(K key) {
    var scratch = Scratch.current();
    var keyArea = encodeKey(scratch, key);
    var valueArea = scratch.second(values.size());
    return operations.lookup(keyArea.segment(), valueArea.segment())
        ? Optional.of(values.decode(valueArea.buffer()))
        : Optional.empty();
  }

  /** Adds or replaces. @throws io.sluice.linux.LinuxException E2BIG when the map is full */
  public void put(K key, V value) {
    var scratch = Scratch.current();
    var keyArea = encodeKey(scratch, key);
    operations.put(keyArea.segment(), encodeValue(scratch, value).segment());
  }

  /** Adds; false, changing nothing, when the key is there. */
  public boolean putIfAbsent(K key, V value) {
    var scratch = Scratch.current();
    var keyArea = encodeKey(scratch, key);
    return operations.putIfAbsent(keyArea.segment(), encodeValue(scratch, value).segment());
  }

  /** Removes; false when the key was not there. */
  public boolean remove(K key) {
    return operations.remove(encodeKey(Scratch.current(), key).segment());
  }

  /**
   * Visits all entries; the consumer may use this map. Entries that come or go meanwhile may be
   * seen or missed.
   */
  public void forEach(BiConsumer<K, V> entry) {
    // Decoded before the first call out, so that the consumer may remove what it sees.
    var seenKeys = new ArrayList<K>();
    var seenValues = new ArrayList<V>();
    new MapWalk(map, values.size())
        .forEach((key, value) -> {
          seenKeys.add(keys.decode(key));
          seenValues.add(values.decode(value));
        });
    for (int i = 0; i < seenKeys.size(); i++) {
      entry.accept(seenKeys.get(i), seenValues.get(i));
    }
  }

  /** The number of entries, by visiting them; of an array, its length. */
  public int count() {
    var count = new int[1];
    new MapWalk(map, values.size()).forEach((key, value) -> count[0]++);
    return count[0];
  }

  /** A copy of all entries. */
  public Map<K, V> snapshot() {
    var copy = new LinkedHashMap<K, V>();
    new MapWalk(map, values.size())
        .forEach((key, value) -> copy.put(keys.decode(key), values.decode(value)));
    return Collections.unmodifiableMap(copy);
  }

  private Scratch.Area encodeKey(Scratch scratch, K key) {
    var area = scratch.first(keys.size());
    keys.encode(key, area.buffer());
    return area;
  }

  private Scratch.Area encodeValue(Scratch scratch, V value) {
    var area = scratch.second(values.size());
    values.encode(value, area.buffer());
    return area;
  }
}
