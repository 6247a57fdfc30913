package io.sluice.benchmarks;

/**
 * One measurement on one path.
 *
 * @param operations connections, requests or bytes
 * @param perSecond operations a second, of all clients together
 * @param p50Micros median duration of one operation; 0 for bulk
 * @param p99Micros likewise
 * @param machineCpu CPU time for each operation in seconds, of everything that ran on the machine
 * @param hopsCpu the same of the processes on the way; 0 without any
 */
record Sample(
    long operations,
    double perSecond,
    double p50Micros,
    double p99Micros,
    double machineCpu,
    double hopsCpu) {
  static Sample of(
      long operations,
      long nanos,
      Latencies latencies,
      double machineCpuSeconds,
      double hopsCpuSeconds) {
    return new Sample(
        operations,
        operations * 1e9 / nanos,
        latencies.percentileMicros(0.5),
        latencies.percentileMicros(0.99),
        machineCpuSeconds / operations,
        hopsCpuSeconds / operations);
  }
}
