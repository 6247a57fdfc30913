package io.sluice.linux.bpf;

import io.sluice.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.BiConsumer;

/**
 * Visits all entries of a map: with batch lookups (Linux 5.6, not every type), else key by key.
 * Entries that come or go meanwhile may be seen or missed, and seen twice key by key.
 */
final class MapWalk {
  private static final int BATCH_ATTR_BYTES = 56;
  private static final int BATCH_ENTRIES = 256;

  private final BpfMapFd map;
  private final MapOperations operations;
  private final int keyBytes;
  private final int valueBytes;

  /** {@code valueBytes} as bpf(2) returns them: of all possible CPUs for per-CPU maps. */
  MapWalk(BpfMapFd map, int valueBytes) {
    this.map = map;
    this.operations = map.operations();
    this.keyBytes = map.info().keySize();
    this.valueBytes = valueBytes;
  }

  /** The buffers are in native order and valid during the call only. */
  void forEach(BiConsumer<ByteBuffer, ByteBuffer> entry) {
    if (!inBatches(entry)) {
      keyByKey(entry);
    }
  }

  /** False, without having visited anything, when the kernel has no batches for this type. */
  private boolean inBatches(BiConsumer<ByteBuffer, ByteBuffer> entry) {
    int room = BATCH_ENTRIES;
    try (var arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(BATCH_ATTR_BYTES, Long.BYTES);
      // The kernel keeps a bucket number (4 bytes) or a key here, depending on the type.
      MemorySegment cursor = arena.allocate(Math.max(Long.BYTES, keyBytes), Long.BYTES);
      MemorySegment keys = arena.allocate((long) keyBytes * room, Long.BYTES);
      MemorySegment values = arena.allocate((long) valueBytes * room, Long.BYTES);
      boolean started = false;
      while (true) {
        int rc =
            lookupBatch(attr, started ? cursor : MemorySegment.NULL, cursor, keys, values, room);
        if (rc == -Errno.ENOSPC.number()) {
          // One hash bucket holds more entries than there is room for: the kernel wrote nothing.
          room *= 2;
          keys = arena.allocate((long) keyBytes * room, Long.BYTES);
          values = arena.allocate((long) valueBytes * room, Long.BYTES);
          continue;
        }
        if (!started && isUnsupported(rc)) {
          return false;
        }
        if (rc < 0 && rc != -Errno.ENOENT.number()) {
          operations.check("bpf(MAP_LOOKUP_BATCH)", rc, "");
        }
        visit(keys, values, attr.get(ValueLayout.JAVA_INT, 32), entry);
        if (rc < 0) {
          return true;
        }
        started = true;
      }
    }
  }

  private int lookupBatch(
      MemorySegment attr,
      MemorySegment from,
      MemorySegment to,
      MemorySegment keys,
      MemorySegment values,
      int room) {
    attr.set(ValueLayout.JAVA_LONG, 0, from.address());
    attr.set(ValueLayout.JAVA_LONG, 8, to.address());
    attr.set(ValueLayout.JAVA_LONG, 16, keys.address());
    attr.set(ValueLayout.JAVA_LONG, 24, values.address());
    attr.set(ValueLayout.JAVA_INT, 32, room);
    attr.set(ValueLayout.JAVA_INT, 36, map.fd());
    return operations.lookupBatch(attr, BATCH_ATTR_BYTES);
  }

  private static boolean isUnsupported(int rc) {
    return rc == -Errno.ENOTSUPP.number()
        || rc == -Errno.EOPNOTSUPP.number()
        || rc == -Errno.EINVAL.number();
  }

  private void visit(
      MemorySegment keys,
      MemorySegment values,
      int count,
      BiConsumer<ByteBuffer, ByteBuffer> entry) {
    for (int i = 0; i < count; i++) {
      entry.accept(
          buffer(keys.asSlice((long) keyBytes * i, keyBytes)),
          buffer(values.asSlice((long) valueBytes * i, valueBytes)));
    }
  }

  private void keyByKey(BiConsumer<ByteBuffer, ByteBuffer> entry) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocate(keyBytes, Long.BYTES);
      MemorySegment next = arena.allocate(keyBytes, Long.BYTES);
      MemorySegment value = arena.allocate(valueBytes, Long.BYTES);
      boolean more = operations.nextKey(MemorySegment.NULL, key);
      // When a key goes while we stand on it, the kernel starts again: hence the bound.
      for (long left = 2L * map.info().maxEntries(); more && left > 0; left--) {
        more = operations.nextKey(key, next);
        if (operations.lookup(key, value)) {
          entry.accept(buffer(key), buffer(value));
        }
        key.copyFrom(next);
      }
    }
  }

  private static ByteBuffer buffer(MemorySegment segment) {
    return segment.asByteBuffer().order(ByteOrder.nativeOrder());
  }
}
