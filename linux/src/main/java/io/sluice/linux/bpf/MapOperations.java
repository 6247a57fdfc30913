package io.sluice.linux.bpf;

import io.sluice.linux.Errno;
import io.sluice.linux.syscall.BpfCalls;
import java.lang.foreign.MemorySegment;

/** Map calls on one descriptor, with the exceptions for their failures. */
class MapOperations {
  static final long ANY = 0;
  static final long NO_EXIST = 1;
  private static final int MAP_LOOKUP_BATCH = 24;

  private final BpfMapFd map;

  MapOperations(BpfMapFd map) {
    this.map = map;
  }

  /** False when there is no such key. */
  boolean lookup(MemorySegment key, MemorySegment value) {
    int rc = BpfCalls.lookup(map.fd(), key, value);
    if (rc == -Errno.ENOENT.number()) {
      return false;
    }
    check("bpf(MAP_LOOKUP_ELEM)", rc, "");
    return true;
  }

  void put(MemorySegment key, MemorySegment value) {
    check("bpf(MAP_UPDATE_ELEM)", BpfCalls.update(map.fd(), key, value, ANY), fullHint());
  }

  /** False when the key is there already. */
  boolean putIfAbsent(MemorySegment key, MemorySegment value) {
    int rc = BpfCalls.update(map.fd(), key, value, NO_EXIST);
    if (rc == -Errno.EEXIST.number()) {
      return false;
    }
    check("bpf(MAP_UPDATE_ELEM)", rc, fullHint());
    return true;
  }

  /** False when there was no such key. */
  boolean remove(MemorySegment key) {
    int rc = BpfCalls.delete(map.fd(), key);
    if (rc == -Errno.ENOENT.number()) {
      return false;
    }
    check("bpf(MAP_DELETE_ELEM)", rc, "entries of an array cannot be removed");
    return true;
  }

  /** False after the last key. {@code key} may be NULL for the first one. */
  boolean nextKey(MemorySegment key, MemorySegment next) {
    int rc = BpfCalls.nextKey(map.fd(), key, next);
    if (rc == -Errno.ENOENT.number()) {
      return false;
    }
    check("bpf(MAP_GET_NEXT_KEY)", rc, "this type of map cannot be listed");
    return true;
  }

  /** As bpf(2) answers MAP_LOOKUP_BATCH: a negated error number, or 0. */
  int lookupBatch(MemorySegment attr, int attrBytes) {
    return BpfCalls.bpf(MAP_LOOKUP_BATCH, attr, attrBytes);
  }

  void check(String operation, int rc, String hint) {
    if (rc < 0) {
      throw BpfFailure.of(operation, rc, map.subject(), hint);
    }
  }

  private String fullHint() {
    return "E2BIG or ENOSPC: the map is full, raise its size (now " + map.info().maxEntries() + ")";
  }
}
