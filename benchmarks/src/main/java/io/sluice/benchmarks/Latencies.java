package io.sluice.benchmarks;

import java.util.Arrays;

/** Durations of single operations, kept one by one: exact percentiles, 4 bytes each. */
final class Latencies {
  private int[] nanos = new int[1 << 12];
  private int size;

  void add(long duration) {
    if (size == nanos.length) {
      nanos = Arrays.copyOf(nanos, size * 2);
    }
    nanos[size++] = (int) Math.min(Integer.MAX_VALUE, duration);
  }

  void addAll(Latencies others) {
    nanos = Arrays.copyOf(nanos, Math.max(nanos.length, size + others.size));
    System.arraycopy(others.nanos, 0, nanos, size, others.size);
    size += others.size;
  }

  int size() {
    return size;
  }

  /** In microseconds; 0 when nothing was recorded. {@code share} is 0.5 for the median. */
  double percentileMicros(double share) {
    if (size == 0) {
      return 0;
    }
    Arrays.sort(nanos, 0, size);
    return nanos[(int) Math.min(size - 1L, (long) (size * share))] / 1e3;
  }
}
