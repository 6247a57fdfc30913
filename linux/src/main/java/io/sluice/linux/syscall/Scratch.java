package io.sluice.linux.syscall;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Native memory of one thread, used again by every call, so that a map lookup allocates nothing.
 * Not to be kept over a call to foreign code, which may make system calls of its own.
 */
public final class Scratch {
  private static final int ATTR_BYTES = 128;
  private static final int FIRST_BYTES = 256;
  private static final ThreadLocal<Scratch> CURRENT = ThreadLocal.withInitial(Scratch::new);

  private final MemorySegment attr = Arena.ofAuto().allocate(ATTR_BYTES, Long.BYTES);
  private final Area first = new Area();
  private final Area second = new Area();

  private Scratch() {}

  /** The calling thread's memory. */
  public static Scratch current() {
    return CURRENT.get();
  }

  /** For the argument block of bpf(2); content is left from the last call. */
  MemorySegment attr() {
    return attr;
  }

  /** A zeroed area of {@code bytes}, for keys and addresses. */
  public Area first(int bytes) {
    return first.cleared(bytes);
  }

  /** A zeroed area of {@code bytes}, for values and lengths. */
  public Area second(int bytes) {
    return second.cleared(bytes);
  }

  /** Memory seen as a segment (for calls) and as a buffer in native byte order (for codecs). */
  public static final class Area {
    private MemorySegment memory = MemorySegment.NULL;
    private ByteBuffer buffer = ByteBuffer.allocate(0);

    private Area() {}

    /** The memory, from its first byte; may be longer than asked for. */
    public MemorySegment segment() {
      return memory;
    }

    /** The bytes asked for: position 0, limit at the size, native byte order. */
    public ByteBuffer buffer() {
      return buffer;
    }

    private Area cleared(int bytes) {
      if (memory.byteSize() < bytes || memory.byteSize() == 0) {
        long size = Math.max(FIRST_BYTES, Integer.highestOneBit(Math.max(1, bytes - 1)) * 2L);
        memory = Arena.ofAuto().allocate(size, Long.BYTES);
        buffer = memory.asByteBuffer();
      }
      memory.asSlice(0, bytes).fill((byte) 0);
      // The last user may have left another order behind.
      buffer.clear().limit(bytes).order(ByteOrder.nativeOrder());
      return this;
    }
  }
}
