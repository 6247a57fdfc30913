package io.sluice.linux.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.SystemCalls.AffinityCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/**
 * On which processors the calling thread may run, by their numbers (sched_setaffinity(2)). What it
 * starts begins with the same.
 */
public final class Processors {
  private static final int MASK_BYTES =
      8_192 / Byte.SIZE; // of as many as a kernel can be built for

  private Processors() {}

  /** Those that it may run on now; at least one. */
  public static BitSet ofThread() {
    try (var arena = Arena.ofConfined()) {
      MemorySegment mask = arena.allocate(MASK_BYTES, Long.BYTES);
      check("sched_getaffinity", AffinityCalls.read(mask), "this thread");
      return BitSet.valueOf(mask.toArray(JAVA_BYTE));
    }
  }

  /**
   * Lets it run on no others.
   *
   * @throws LinuxException EINVAL if this machine has none of them, or the thread's cpuset
   */
  public static void keepThreadOn(BitSet processors) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment mask = arena.allocate(MASK_BYTES, Long.BYTES);
      byte[] numbers = processors.toByteArray();
      MemorySegment.copy(numbers, 0, mask, JAVA_BYTE, 0, numbers.length);
      check("sched_setaffinity", AffinityCalls.write(mask), "processors " + processors);
    }
  }

  private static void check(String call, int returned, String subject) {
    if (returned < 0) {
      throw new LinuxException(call, Errno.of(-returned), subject, "");
    }
  }
}
