package io.sluice.benchmarks;

import io.sluice.linux.memory.ProcessMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What the processes of a path use together: for a path of two hops, both of them. */
record ProcessUse(List<Long> pids) {
  /** USER_HZ, which is 100 on every architecture that Linux still supports. */
  private static final double TICKS_PER_SECOND = 100;

  private static final int USER_TIME_FIELD = 11; // counted behind the name in proc_pid_stat(5)

  ProcessUse {
    pids = List.copyOf(pids);
  }

  static ProcessUse of(long pid) {
    return new ProcessUse(List.of(pid));
  }

  /** CPU time of all threads so far, user and system; in steps of 10 ms. */
  double cpuSeconds() throws IOException {
    return eachCpuSeconds().stream().mapToDouble(Double::doubleValue).sum();
  }

  /** The same of each process. */
  List<Double> eachCpuSeconds() throws IOException {
    List<Double> seconds = new ArrayList<>();
    for (long pid : pids) {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      long ticks =
          Long.parseLong(fields[USER_TIME_FIELD]) + Long.parseLong(fields[USER_TIME_FIELD + 1]);
      seconds.add(ticks / TICKS_PER_SECOND);
    }
    return seconds;
  }

  /** RSS; pages that they share with others count in full for each. */
  long residentBytes() {
    return pids.stream().mapToLong(ProcessMemory::residentBytes).sum();
  }
}
