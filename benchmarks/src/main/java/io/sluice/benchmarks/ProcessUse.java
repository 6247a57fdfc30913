package io.sluice.benchmarks;

import io.sluice.linux.memory.ProcessMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * What the processes of a path use together: for a path of two hops, both of them.
 *
 * @param hops the process ids of each; more than one where it divides its work
 */
record ProcessUse(List<List<Long>> hops) {
  /** USER_HZ, which is 100 on every architecture that Linux still supports. */
  private static final double TICKS_PER_SECOND = 100;

  private static final int USER_TIME_FIELD = 11; // counted behind the name in proc_pid_stat(5)
  private static final Path MACHINE = Path.of("/proc/stat");

  /** Of proc_stat(5): user, nice, system; irq, softirq. Between them are idle and iowait. */
  private static final List<Integer> BUSY_FIELDS = List.of(1, 2, 3, 6, 7);

  /** A path without hops. */
  static final ProcessUse NONE = new ProcessUse(List.of());

  /** The load generators. */
  static final ProcessUse THIS_JVM = of(ProcessHandle.current().pid());

  ProcessUse {
    hops = hops.stream().map(List::copyOf).toList();
  }

  /** A hop for each of the processes. */
  static ProcessUse of(long... pids) {
    return new ProcessUse(LongStream.of(pids).mapToObj(List::of).toList());
  }

  /** These processes, each with the children that it has now. */
  static ProcessUse withChildren(List<ProcessHandle> processes) {
    return new ProcessUse(
        processes.stream()
            .map(process ->
                Stream.concat(Stream.of(process), process.descendants())
                    .map(ProcessHandle::pid)
                    .toList())
            .toList());
  }

  /** CPU time of all threads so far, user and system; in steps of 10 ms. */
  double cpuSeconds() throws IOException {
    return eachCpuSeconds().stream().mapToDouble(Double::doubleValue).sum();
  }

  /** The same of each hop. */
  List<Double> eachCpuSeconds() throws IOException {
    List<Double> seconds = new ArrayList<>();
    for (List<Long> hop : hops) {
      long ticks = 0;
      for (long pid : hop) {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        ticks +=
            Long.parseLong(fields[USER_TIME_FIELD]) + Long.parseLong(fields[USER_TIME_FIELD + 1]);
      }
      seconds.add(ticks / TICKS_PER_SECOND);
    }
    return seconds;
  }

  /** CPU time that the whole machine has worked so far, in all processes and in the kernel. */
  static double machineCpuSeconds() throws IOException {
    return machineCpuSeconds(Files.readString(MACHINE));
  }

  /**
   * The same from the text of proc_stat(5); what a hypervisor gave to others is no work of ours.
   */
  static double machineCpuSeconds(String stat) throws IOException {
    String[] fields = stat.lines().findFirst().orElse("").split(" +", -1);
    if (!fields[0].equals("cpu")) {
      throw new IOException(
          MACHINE + " does not begin with the sum of all processors: " + fields[0]);
    }
    long ticks = 0;
    for (int field : BUSY_FIELDS) {
      ticks += Long.parseLong(fields[field]);
    }
    return ticks / TICKS_PER_SECOND;
  }

  /** RSS; pages that they share with others count in full for each. */
  long residentBytes() {
    return hops.stream().flatMap(List::stream).mapToLong(ProcessMemory::residentBytes).sum();
  }
}
