package io.sluice.linux.syscall;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/** Makes handles of C library functions, and turns "-1 and errno" into a negated error number. */
final class Downcall {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  /** One per thread, since the JVM writes errno there right after the call returns. */
  private static final ThreadLocal<MemorySegment> CAPTURED =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

  private Downcall() {}

  static MethodHandle of(String function, FunctionDescriptor shape, Linker.Option... options) {
    var all = new Linker.Option[options.length + 1];
    all[0] = Linker.Option.captureCallState("errno");
    System.arraycopy(options, 0, all, 1, options.length);
    MemorySegment address =
        LINKER
            .defaultLookup()
            .find(function)
            .orElseThrow(() -> new UnsatisfiedLinkError("C library has no " + function));
    return LINKER.downcallHandle(address, shape, all);
  }

  /** The calling thread's memory for errno: first argument of every handle. */
  static MemorySegment state() {
    return CAPTURED.get();
  }

  static int result(int returned, MemorySegment state) {
    return returned >= 0 ? returned : -(int) ERRNO.get(state, 0L);
  }

  static long result(long returned, MemorySegment state) {
    return returned >= 0 ? returned : -(int) ERRNO.get(state, 0L);
  }

  /** Downcalls declare Throwable, but a handle with the right types throws nothing. */
  static AssertionError unexpected(Throwable cause) {
    return new AssertionError("downcall with a wrong shape", cause);
  }
}
