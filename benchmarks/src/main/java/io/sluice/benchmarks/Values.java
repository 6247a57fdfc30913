package io.sluice.benchmarks;

import java.util.Collections;
import java.util.List;

/**
 * All values of one thing on one path, in the order in which they were taken.
 *
 * @param takes one list for each time that the path was measured: the direct one before the mesh is
 *     there and again when it has gone
 */
record Values(List<List<Double>> takes) {
  /** Of the first take; by as much a ratio may be wrong without a word about it. */
  private static final double HARMLESS = 0.1;

  Values {
    takes = takes.stream().map(List::copyOf).toList();
    if (takes.isEmpty() || takes.stream().anyMatch(List::isEmpty)) {
      throw new IllegalArgumentException("nothing was measured: " + takes);
    }
  }

  /** Measured at one time. */
  static Values of(List<Double> values) {
    return new Values(List.of(values));
  }

  List<Double> all() {
    return takes.stream().flatMap(List::stream).toList();
  }

  double median() {
    return median(all());
  }

  /** Of eleven values one is below it, of ten at most none. */
  double low() {
    return sorted(all()).get(tenth());
  }

  /** Of eleven values one is above it, of ten at most none. */
  double high() {
    return sorted(all()).reversed().get(tenth());
  }

  private int tenth() {
    return (all().size() - 1) / 10;
  }

  /** The last take by the first, of medians; 1 where there is but one. */
  double moved() {
    return median(takes.getLast()) / median(takes.getFirst());
  }

  /** Whether ratios to it are doubtful. */
  boolean hasMoved() {
    return Math.abs(moved() - 1) > HARMLESS;
  }

  /** Of medians: what was measured at other times has no partner. */
  double ratio(Values direct) {
    return median() / direct.median();
  }

  /** {@link #low} by the highest median among the takes of {@code direct}. */
  double lowRatio(Values direct) {
    return low() / Collections.max(direct.medians());
  }

  /** {@link #high} by the lowest of them: both widen where the direct path has moved. */
  double highRatio(Values direct) {
    return high() / Collections.min(direct.medians());
  }

  private List<Double> medians() {
    return takes.stream().map(Values::median).toList();
  }

  static double median(List<Double> values) {
    List<Double> sorted = sorted(values);
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  private static List<Double> sorted(List<Double> values) {
    return values.stream().sorted().toList();
  }
}
