package io.sluice.await;

import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.time.Duration;

/**
 * Bounds of time on a machine that others use too: what is promised where a processor is free may
 * take as many times as long as there are threads that want one. Tests run beside each other.
 */
public final class AtLoad {
  private static final OperatingSystemMXBean MACHINE = ManagementFactory.getOperatingSystemMXBean();

  private AtLoad() {}

  /**
   * The bound as it is while there are processors enough, longer by the load of the last minute.
   */
  public static Duration limit(Duration bound) {
    return Duration.ofNanos((long) (bound.toNanos() * Math.max(1, perProcessor())));
  }

  /** Threads that run or want to, of the last minute, for each processor. */
  public static double perProcessor() {
    return MACHINE.getSystemLoadAverage() / MACHINE.getAvailableProcessors();
  }
}
