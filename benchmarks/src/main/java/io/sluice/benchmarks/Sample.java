package io.sluice.benchmarks;

/**
 * One measurement on one path.
 *
 * @param operations connections, requests or bytes
 * @param perSecond operations a second, of all clients together
 * @param p50Micros median duration of one operation; 0 for bulk
 * @param p99Micros likewise
 */
record Sample(long operations, double perSecond, double p50Micros, double p99Micros) {
  static Sample of(long operations, long nanos, Latencies latencies) {
    return new Sample(
        operations,
        operations * 1e9 / nanos,
        latencies.percentileMicros(0.5),
        latencies.percentileMicros(0.99));
  }
}
