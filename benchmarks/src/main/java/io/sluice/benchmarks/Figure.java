package io.sluice.benchmarks;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One line of the result.
 *
 * @param id stable name, for comparisons by machine
 * @param label what was measured, in words
 * @param unit of every value
 * @param direct without the mesh; null where there is no such thing
 * @param meshed through the mesh, or of the daemon
 */
record Figure(String id, String label, String unit, @Nullable Values direct, Values meshed) {
  /** A figure of the daemon alone. */
  static Figure ofDaemon(String id, String label, String unit, List<Double> values) {
    return new Figure(id, label, unit, null, Values.of(values));
  }
}
