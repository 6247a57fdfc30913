package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** The C library's heap. */
public final class NativeHeap {
  /** malloc_trim(3) is glibc's; other C libraries give memory back by themselves. */
  private static final Optional<MethodHandle> MALLOC_TRIM =
      Linker.nativeLinker()
          .defaultLookup()
          .find("malloc_trim")
          .map(address ->
              Linker.nativeLinker()
                  .downcallHandle(address, FunctionDescriptor.of(JAVA_INT, JAVA_LONG)));

  private NativeHeap() {}

  /** Gives free memory back to the kernel; takes a few milliseconds, any thread. */
  public static void trim() {
    if (MALLOC_TRIM.isEmpty()) {
      return;
    }
    try {
      int released = (int) MALLOC_TRIM.get().invokeExact(0L);
      assert released >= 0 : "malloc_trim answers 0 or 1";
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }
}
