package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/** bpf(2), with the argument block in the calling thread's {@link Scratch}. */
public final class BpfCalls {
  private static final int MAP_LOOKUP_ELEM = 1;
  private static final int MAP_UPDATE_ELEM = 2;
  private static final int MAP_DELETE_ELEM = 3;
  private static final int MAP_GET_NEXT_KEY = 4;
  private static final int OBJ_GET_INFO_BY_FD = 15;

  /** bpf(2) has no C library function; its number is 280 everywhere but on x86-64. */
  private static final long SYS_BPF =
      System.getProperty("os.arch", "").equals("amd64") ? 321L : 280L;

  private static final Downcall SYSCALL = Downcall.of("syscall");

  private BpfCalls() {}

  /** Any command, with an argument block of the caller's. */
  public static int bpf(int command, MemorySegment attr, int bytes) {
    return (int) SYSCALL.callLong(SYS_BPF, command, Downcall.at(attr), bytes);
  }

  public static int lookup(int map, MemorySegment key, MemorySegment value) {
    return element(MAP_LOOKUP_ELEM, map, key, value, 0);
  }

  public static int update(int map, MemorySegment key, MemorySegment value, long flags) {
    return element(MAP_UPDATE_ELEM, map, key, value, flags);
  }

  public static int delete(int map, MemorySegment key) {
    return element(MAP_DELETE_ELEM, map, key, MemorySegment.NULL, 0);
  }

  /** {@code key} may be NULL for the first key. */
  public static int nextKey(int map, MemorySegment key, MemorySegment next) {
    return element(MAP_GET_NEXT_KEY, map, key, next, 0);
  }

  /** Fills {@code info} with what the kernel knows about a map, program or link. */
  public static int info(int fd, MemorySegment info) {
    MemorySegment attr = Scratch.current().attr();
    attr.set(JAVA_INT, 0, fd);
    attr.set(JAVA_INT, 4, (int) info.byteSize());
    attr.set(JAVA_LONG, 8, info.address());
    return bpf(OBJ_GET_INFO_BY_FD, attr, 16);
  }

  private static int element(
      int command, int map, MemorySegment key, MemorySegment value, long flags) {
    MemorySegment attr = Scratch.current().attr();
    attr.set(JAVA_INT, 0, map);
    attr.set(JAVA_INT, 4, 0);
    attr.set(JAVA_LONG, 8, key.address());
    attr.set(JAVA_LONG, 16, value.address());
    attr.set(JAVA_LONG, 24, flags);
    return bpf(command, attr, 32);
  }
}
