package io.sluice.linux.syscall;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** This process and its parent. */
public final class ProcessCalls {
  private static final int PR_SET_PDEATHSIG = 1;
  private static final long SIGKILL = 9;

  private static final MethodHandle PRCTL =
      Downcall.of(
          "prctl",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG),
          Linker.Option.firstVariadicArg(1));

  private ProcessCalls() {}

  /** SIGKILL for this process when its parent ends; a negated error number where it fails. */
  public static int dieWithParent() {
    try {
      var state = Downcall.state();
      return Downcall.result((int) PRCTL.invokeExact(state, PR_SET_PDEATHSIG, SIGKILL), state);
    } catch (Throwable e) {
      throw Downcall.unexpected(e);
    }
  }
}
