package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * A function of the C library that takes and returns integers and pointers only. All are called by
 * one handle, since a handle for each shape takes a fifth of the daemon's start: in the calling
 * conventions of every 64-bit Linux such arguments are in registers of their own, the first six
 * alike, and a function does not look at what it does not take. Pointers are addresses of memory
 * outside the heap, which the caller keeps alive.
 *
 * @param address of the function
 */
record Downcall(MemorySegment address) {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final long ERRNO_AT = STATE.byteOffset(PathElement.groupElement("errno"));
  private static final MethodHandle CALL =
      LINKER.downcallHandle(
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
          Linker.Option.captureCallState("errno"));

  /** One per thread, since the JVM writes errno there right after the call returns. */
  private static final ThreadLocal<MemorySegment> CAPTURED =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

  /** A function that every C library has. */
  static Downcall of(String function) {
    return find(function)
        .orElseThrow(() -> new UnsatisfiedLinkError("C library has no " + function));
  }

  static Optional<Downcall> find(String function) {
    return LINKER.defaultLookup().find(function).map(Downcall::new);
  }

  /** What a function gets that takes a pointer. */
  static long at(MemorySegment memory) {
    if (!memory.isNative()) {
      throw new IllegalArgumentException("C cannot be shown memory of the heap: " + memory);
    }
    return memory.address();
  }

  int call(long a) {
    return call(a, 0, 0, 0, 0, 0);
  }

  int call(long a, long b) {
    return call(a, b, 0, 0, 0, 0);
  }

  int call(long a, long b, long c) {
    return call(a, b, c, 0, 0, 0);
  }

  int call(long a, long b, long c, long d) {
    return call(a, b, c, d, 0, 0);
  }

  int call(long a, long b, long c, long d, long e) {
    return call(a, b, c, d, e, 0);
  }

  /** Of a function that returns an int: what it returns, or the negated error number for -1. */
  int call(long a, long b, long c, long d, long e, long f) {
    MemorySegment state = CAPTURED.get();
    int returned = (int) invoke(state, a, b, c, d, e, f); // the upper half is not said
    return returned >= 0 ? returned : -state.get(JAVA_INT, ERRNO_AT);
  }

  long callLong(long a, long b, long c) {
    return callLong(a, b, c, 0, 0, 0);
  }

  long callLong(long a, long b, long c, long d) {
    return callLong(a, b, c, d, 0, 0);
  }

  /** Of a function that returns a long: what it returns, or the negated error number for -1. */
  long callLong(long a, long b, long c, long d, long e, long f) {
    MemorySegment state = CAPTURED.get();
    long returned = invoke(state, a, b, c, d, e, f);
    return returned >= 0 ? returned : -state.get(JAVA_INT, ERRNO_AT);
  }

  private long invoke(MemorySegment state, long a, long b, long c, long d, long e, long f) {
    try {
      return (long) CALL.invokeExact(address, state, a, b, c, d, e, f);
    } catch (Throwable cause) { // declared, but a handle with the right types throws nothing
      throw new AssertionError("downcall with a wrong shape", cause);
    }
  }
}
