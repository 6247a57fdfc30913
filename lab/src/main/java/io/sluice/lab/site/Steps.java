package io.sluice.lab.site;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Work of which every step must be tried. */
final class Steps {
  private Steps() {}

  /** Runs all, whatever became of the ones before; then throws the first failure. */
  static void runAll(List<Runnable> steps) {
    @Nullable RuntimeException failure = null;
    for (Runnable step : steps) {
      try {
        step.run();
      } catch (RuntimeException e) {
        failure = failure == null ? e : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
