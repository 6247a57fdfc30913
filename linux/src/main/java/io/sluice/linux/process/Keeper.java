package io.sluice.linux.process;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.SystemCalls.ProcessCalls;

/** The process that has started this one, and starts it again when it dies. */
public final class Keeper {
  private Keeper() {}

  /**
   * Has the kernel kill this process when its keeper ends, so that nobody who ends the keeper
   * leaves this one behind (prctl(2), PR_SET_PDEATHSIG). On a thread that lives as long as the
   * process.
   *
   * @param pid of the keeper, in this process's PID namespace
   * @throws LinuxException ESRCH when it is not this process's parent, or not any more
   */
  public static void endWith(long pid) {
    int result = ProcessCalls.dieWithParent();
    if (result < 0) {
      throw new LinuxException("prctl", Errno.of(-result), "PR_SET_PDEATHSIG", "");
    }
    long parent = ProcessHandle.current().parent().map(ProcessHandle::pid).orElse(0L);
    if (parent != pid) {
      throw new LinuxException(
          "prctl", Errno.ESRCH, "process " + pid, "it has not started this process, or has ended");
    }
  }
}
