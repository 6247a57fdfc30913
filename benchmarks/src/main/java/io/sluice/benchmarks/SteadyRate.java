package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.List;

/**
 * Tells from successive short windows of one load when its pace no longer changes, so that samples
 * may count: while code is compiled and caches fill, each window is faster than the one before.
 */
final class SteadyRate {
  /** Between the medians of neighbouring groups: single windows of one build differ by more. */
  private static final double TOLERANCE = 0.03;

  private final int groupSize;
  private final List<Double> windows = new ArrayList<>();

  /**
   * @param groupSize windows of which the median is taken, so that one that was disturbed neither
   *     ends nor delays
   */
  SteadyRate(int groupSize) {
    this.groupSize = groupSize;
  }

  /** Adds the pace of the next window: a rate, or a latency; above 0. */
  void add(double pace) {
    windows.add(pace);
  }

  /** Whether the last windows agree with those before them. */
  boolean isSteady() {
    int size = windows.size();
    if (size < 2 * groupSize) {
      return false;
    }
    double last = Values.median(windows.subList(size - groupSize, size));
    double before = Values.median(windows.subList(size - 2 * groupSize, size - groupSize));
    return Math.abs(last / before - 1) <= TOLERANCE;
  }
}
