package io.sluice.benchmarks;

import java.util.ArrayList;
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

  double lowest() {
    return Collections.min(all());
  }

  double highest() {
    return Collections.max(all());
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

  /** The lowest value by the highest median among the takes of {@code direct}. */
  double lowestRatio(Values direct) {
    return lowest() / Collections.max(direct.medians());
  }

  /** The highest value by the lowest of them: both widen where the direct path has moved. */
  double highestRatio(Values direct) {
    return highest() / Collections.min(direct.medians());
  }

  private List<Double> medians() {
    return takes.stream().map(Values::median).toList();
  }

  static double median(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }
}
