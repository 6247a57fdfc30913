package io.sluice.linux.process;

import io.sluice.linux.syscall.SystemCalls.TimeCalls;

/** What the kernel knows of the wall clock. */
public final class KernelClock {
  private KernelClock() {}

  /**
   * Whether a time service keeps the wall clock (adjtimex(2): STA_UNSYNC is not set). The kernel
   * takes that back when the clock is set by hand, and after hours without the service's word.
   */
  public static boolean isKept() {
    return TimeCalls.isSynchronised();
  }
}
