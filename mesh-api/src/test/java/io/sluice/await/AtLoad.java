package io.sluice.await;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.OperatingSystemMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Bounds of time on a machine that others use too: what is promised where a processor is free may
 * take as many times as long as there are threads that want one. Tests run beside each other.
 */
public final class AtLoad {
  private static final OperatingSystemMXBean MACHINE = ManagementFactory.getOperatingSystemMXBean();
  private static final Path LOAD = Path.of("/proc/loadavg"); // "0.20 0.18 0.12 1/80 11206", proc(5)

  private AtLoad() {}

  /** The bound as it is while there are processors enough, longer by the load. */
  public static Duration limit(Duration bound) {
    return Duration.ofNanos((long) (bound.toNanos() * Math.max(1, perProcessor())));
  }

  /** Threads that run or want to, now or in the last minute's mean, for each processor. */
  public static double perProcessor() {
    return Math.max(MACHINE.getSystemLoadAverage(), running()) / MACHINE.getAvailableProcessors();
  }

  /** The mean lags: what has just begun is hardly in it. */
  private static int running() {
    try {
      return Integer.parseInt(Files.readString(LOAD).split("[ /]")[3]);
    } catch (IOException e) {
      return 0; // not Linux
    }
  }
}
