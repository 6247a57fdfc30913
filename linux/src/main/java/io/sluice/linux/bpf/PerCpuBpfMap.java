package io.sluice.linux.bpf;

import io.sluice.linux.syscall.Scratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BiConsumer;
import java.util.function.ObjLongConsumer;

/**
 * A per-CPU map whose value is one {@code __u64} counter or a structure of several. Reads add up
 * the values of all possible CPUs. Safe for use by several threads.
 */
public final class PerCpuBpfMap<K> {
  private final BpfMapFd map;
  private final MapOperations operations;
  private final MapCodec<K> keys;
  private final int counters;
  private final int cpus;

  /**
   * A typed view; the caller still owns {@code map}.
   *
   * @throws IllegalArgumentException when the map has no value per CPU, another key size, or a
   *     value that is not a multiple of 8 bytes
   */
  public PerCpuBpfMap(BpfMapFd map, MapCodec<K> keys) {
    var info = map.info();
    if (!MapType.isPerCpu(info.type())) {
      throw new IllegalArgumentException(map.subject() + " has one value for all CPUs: use BpfMap");
    }
    MapSizes.check(map, "key", info.keySize(), keys.size());
    if (info.valueSize() % Long.BYTES != 0) {
      throw new IllegalArgumentException(map.subject() + " does not hold u64 counters");
    }
    this.map = map;
    this.operations = map.operations();
    this.keys = keys;
    this.counters = info.valueSize() / Long.BYTES;
    this.cpus = PossibleCpus.count();
  }

  /** The first counter of a key, added up; 0 when the key is not there. */
  public long sum(K key) {
    return sums(key)[0];
  }

  /** All counters of a key, each added up; zeros when the key is not there. */
  public long[] sums(K key) {
    var scratch = Scratch.current();
    var keyArea = scratch.first(keys.size());
    keys.encode(key, keyArea.buffer());
    var valueArea = scratch.second(valueBytes());
    return operations.lookup(keyArea.segment(), valueArea.segment())
        ? add(valueArea.buffer())
        : new long[counters];
  }

  /** Visits all keys with their first counter, added up. The consumer must not use maps. */
  public void forEachSum(ObjLongConsumer<K> entry) {
    forEachSums((key, sums) -> entry.accept(key, sums[0]));
  }

  /** Visits all keys with all their counters, each added up. The consumer must not use maps. */
  public void forEachSums(BiConsumer<K, long[]> entry) {
    new MapWalk(map, valueBytes())
        .forEach((key, value) -> entry.accept(keys.decode(key), add(value)));
  }

  /** Removes; false when the key was not there. */
  public boolean remove(K key) {
    var keyArea = Scratch.current().first(keys.size());
    keys.encode(key, keyArea.buffer());
    return operations.remove(keyArea.segment());
  }

  private int valueBytes() {
    return counters * Long.BYTES * cpus;
  }

  private long[] add(ByteBuffer values) {
    var sums = new long[counters];
    for (int cpu = 0; cpu < cpus; cpu++) {
      for (int counter = 0; counter < counters; counter++) {
        sums[counter] += values.getLong((cpu * counters + counter) * Long.BYTES);
      }
    }
    return sums;
  }

  /**
   * How many values the kernel returns for a key of a per-CPU map: possible CPUs, not online ones.
   */
  static final class PossibleCpus {
    private static final Path FILE = Path.of("/sys/devices/system/cpu/possible");

    private PossibleCpus() {}

    static int count() {
      try {
        return parse(Files.readString(FILE).strip());
      } catch (IOException e) {
        throw new UncheckedIOException("per-CPU maps need /sys mounted", e);
      }
    }

    /** The highest number of a list such as {@code 0-3} or {@code 0,2-7}, plus one. */
    static int parse(String list) {
      String last = list.substring(Math.max(list.lastIndexOf('-'), list.lastIndexOf(',')) + 1);
      return Integer.parseInt(last) + 1;
    }
  }
}
