package io.sluice.benchmarks;

import java.io.IOException;
import java.util.List;

/**
 * One measurement on one path.
 *
 * @param operations connections, requests or bytes
 * @param perSecond operations a second, of all clients together
 * @param p50Micros median duration of one operation; 0 for bulk
 * @param p99Micros likewise
 * @param machineCpu CPU time for each operation in seconds, of everything that ran on the machine
 * @param hopsCpu the same of the processes on the way; 0 without any
 * @param strangersShare of the machine that neither the generators nor the hops had, as others that
 *     worked meanwhile; 0 to 1, or a step below
 */
record Sample(
    long operations,
    double perSecond,
    double p50Micros,
    double p99Micros,
    double machineCpu,
    double hopsCpu,
    double strangersShare) {
  static Sample of(long operations, long nanos, Latencies latencies, CpuTime spent) {
    return new Sample(
        operations,
        operations * 1e9 / nanos,
        latencies.percentileMicros(0.5),
        latencies.percentileMicros(0.99),
        spent.machine() / operations,
        spent.hops() / operations,
        spent.strangers() * 1e9 / nanos / Runtime.getRuntime().availableProcessors());
  }

  /** Of bulk that was measured in parts. */
  static Sample ofBulk(List<Sample> parts) {
    long bytes = parts.stream().mapToLong(Sample::operations).sum();
    double seconds = parts.stream().mapToDouble(Sample::seconds).sum();
    return new Sample(
        bytes,
        bytes / seconds,
        0,
        0,
        parts.stream().mapToDouble(part -> part.machineCpu * part.operations).sum() / bytes,
        parts.stream().mapToDouble(part -> part.hopsCpu * part.operations).sum() / bytes,
        parts.stream().mapToDouble(part -> part.strangersShare * part.seconds()).sum() / seconds);
  }

  private double seconds() {
    return operations / perSecond;
  }

  /**
   * CPU time in seconds.
   *
   * @param machine of everything that ran
   * @param generators of this JVM
   * @param hops of the processes on the way
   */
  record CpuTime(double machine, double generators, double hops) {
    /** So far, since each has been there. */
    static CpuTime now(ProcessUse hops) throws IOException {
      return new CpuTime(
          ProcessUse.machineCpuSeconds(), ProcessUse.THIS_JVM.cpuSeconds(), hops.cpuSeconds());
    }

    CpuTime since(CpuTime before) {
      return new CpuTime(
          machine - before.machine, generators - before.generators, hops - before.hops);
    }

    /** Each is counted in steps, so that of nothing it may be a step below 0: parts add up. */
    double strangers() {
      return machine - generators - hops;
    }
  }
}
