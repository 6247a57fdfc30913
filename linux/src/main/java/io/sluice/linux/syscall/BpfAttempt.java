package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Makes the smallest programs and maps that show whether a feature is there. Results are
 * descriptors, which the caller closes, or negated error numbers.
 */
public final class BpfAttempt {
  private static final int MAP_CREATE = 0;
  private static final int PROG_LOAD = 5;
  private static final int BTF_LOAD = 18;
  private static final int MAP_LOOKUP_BATCH = 24;
  private static final int LINK_CREATE = 28;
  private static final int ATTR_BYTES = 72;
  private static final int HELPER_SK_STORAGE_GET = 107;
  private static final int HELPER_NETNS_COOKIE = 122;

  // Instructions of linux/bpf.h: operation, registers, offset, immediate.
  private static final long MOVE_IMMEDIATE = 0xb7;
  private static final long CALL = 0x85;
  private static final long EXIT = 0x95;

  private BpfAttempt() {}

  /** {@code r0 = 1; exit}: the answer every hook accepts. */
  public static long[] allow() {
    return new long[] {instruction(MOVE_IMMEDIATE, 0, 0, 0, 1), EXIT};
  }

  /** Calls a helper with the context as its only argument, then allows. */
  public static long[] callWithContext(int helper) {
    return new long[] {
      instruction(CALL, 0, 0, 0, helper), instruction(MOVE_IMMEDIATE, 0, 0, 0, 1), EXIT
    };
  }

  /** {@code bpf_setsockopt(ctx, level, option, &zero, 4)}, then allows. */
  public static long[] setSocketOption(int helper, int level, int option) {
    return new long[] {
      instruction(0x7a, 10, 0, -8, 0), // *(u64 *)(r10 - 8) = 0
      instruction(MOVE_IMMEDIATE, 2, 0, 0, level),
      instruction(MOVE_IMMEDIATE, 3, 0, 0, option),
      instruction(0xbf, 4, 10, 0, 0), // r4 = r10
      instruction(0x07, 4, 0, 0, -8), // r4 += -8
      instruction(MOVE_IMMEDIATE, 5, 0, 0, Integer.BYTES),
      instruction(CALL, 0, 0, 0, helper),
      instruction(MOVE_IMMEDIATE, 0, 0, 0, 1),
      EXIT
    };
  }

  public static int load(int programType, int attachType, long... instructions) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(ATTR_BYTES, Long.BYTES);
      attr.set(JAVA_INT, 0, programType);
      attr.set(JAVA_INT, 4, instructions.length);
      attr.set(JAVA_LONG, 8, arena.allocateFrom(JAVA_LONG, instructions).address());
      attr.set(JAVA_LONG, 16, arena.allocateFrom("Dual BSD/GPL").address());
      attr.set(JAVA_INT, 68, attachType);
      return BpfCalls.bpf(PROG_LOAD, attr, ATTR_BYTES);
    }
  }

  public static int map(int type, int keyBytes, int valueBytes, int entries) {
    return map(type, keyBytes, valueBytes, entries, 0, 0);
  }

  /** A map whose key and value are the types of {@code btf} that have their size. */
  public static int map(int type, int keyBytes, int valueBytes, int entries, int flags, int btf) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(ATTR_BYTES, Long.BYTES);
      attr.set(JAVA_INT, 0, type);
      attr.set(JAVA_INT, 4, keyBytes);
      attr.set(JAVA_INT, 8, valueBytes);
      attr.set(JAVA_INT, 12, entries);
      attr.set(JAVA_INT, 16, flags);
      if (btf > 0) {
        attr.set(JAVA_INT, 48, btf);
        attr.set(JAVA_INT, 52, typeOf(keyBytes));
        attr.set(JAVA_INT, 56, typeOf(valueBytes));
      }
      return BpfCalls.bpf(MAP_CREATE, attr, ATTR_BYTES);
    }
  }

  private static int typeOf(int bytes) {
    return bytes == Long.BYTES ? 2 : 1;
  }

  /** Loads type information with two types, {@code int} of 4 and of 8 bytes. */
  public static int intTypes() {
    var btf = ByteBuffer.allocate(61).order(ByteOrder.nativeOrder());
    btf.putShort((short) 0xeb9f).put((byte) 1).put((byte) 0).putInt(24); // magic, version, header
    btf.putInt(0).putInt(32).putInt(32).putInt(5); // types at 0, 32 bytes; strings behind, 5 bytes
    btf.putInt(1).putInt(1 << 24).putInt(4).putInt(1 << 24 | 32); // "int", kind INT, signed 32 bits
    btf.putInt(1).putInt(1 << 24).putInt(8).putInt(1 << 24 | 64); // the same of 64 bits
    btf.put(new byte[] {0, 'i', 'n', 't', 0});
    try (var arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(ATTR_BYTES, Long.BYTES);
      attr.set(JAVA_LONG, 0, arena.allocateFrom(JAVA_BYTE, btf.array()).address());
      attr.set(JAVA_INT, 16, btf.capacity());
      return BpfCalls.bpf(BTF_LOAD, attr, 28);
    }
  }

  /**
   * {@code bpf_sk_storage_get(map, ctx, &bpf_get_netns_cookie(ctx), CREATE)}, then allows: a socket
   * remembers the namespace it is made in.
   */
  public static long[] storeNetnsCookie(int map) {
    return new long[] {
      instruction(0xbf, 6, 1, 0, 0), // r6 = r1
      instruction(CALL, 0, 0, 0, HELPER_NETNS_COOKIE),
      instruction(0x7b, 10, 0, -8, 0), // *(u64 *)(r10 - 8) = r0
      instruction(0x18, 1, 1, 0, map), // r1 = map
      0,
      instruction(0xbf, 2, 6, 0, 0), // r2 = r6
      instruction(0xbf, 3, 10, 0, 0), // r3 = r10
      instruction(0x07, 3, 0, 0, -8), // r3 += -8
      instruction(MOVE_IMMEDIATE, 4, 0, 0, 1),
      instruction(CALL, 0, 0, 0, HELPER_SK_STORAGE_GET),
      instruction(MOVE_IMMEDIATE, 0, 0, 0, 1),
      EXIT
    };
  }

  /** A batch lookup on an empty hash of 4-byte keys and values: ENOENT where batches are known. */
  public static int lookupBatch(int map) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(ATTR_BYTES, Long.BYTES);
      attr.set(JAVA_LONG, 8, arena.allocate(Long.BYTES).address());
      attr.set(JAVA_LONG, 16, arena.allocate(Long.BYTES).address());
      attr.set(JAVA_LONG, 24, arena.allocate(Long.BYTES).address());
      attr.set(JAVA_INT, 32, 1);
      attr.set(JAVA_INT, 36, map);
      return BpfCalls.bpf(MAP_LOOKUP_BATCH, attr, 56);
    }
  }

  /** A link of no program: EBADF where links are known, EINVAL where not. */
  public static int linkOfNothing() {
    return link(-1, 0, 0);
  }

  /** Attaches a program to what {@code target} describes, until the descriptor is closed. */
  public static int link(int program, int target, int attachType) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(ATTR_BYTES, Long.BYTES);
      attr.set(JAVA_INT, 0, program);
      attr.set(JAVA_INT, 4, target);
      attr.set(JAVA_INT, 8, attachType);
      return BpfCalls.bpf(LINK_CREATE, attr, 16);
    }
  }

  /** Little-endian machines only, as everywhere in Sluice. */
  static long instruction(long operation, int destination, int source, int offset, int immediate) {
    return operation
        | (long) destination << 8
        | (long) source << 12
        | (offset & 0xFFFFL) << 16
        | (long) immediate << 32;
  }
}
