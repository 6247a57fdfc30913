package io.sluice.fuzz;

import static io.sluice.fuzz.Promises.require;

import io.sluice.control.manifest.Problem;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.ObjectReader.ReadObjects;

/**
 * The reader of manifests never throws, tells every problem so that it can be mended, and is a
 * function.
 */
public final class ManifestTarget {
  private ManifestTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    ReadObjects read = ObjectReader.read("input.yaml", input);
    for (Problem problem : read.problems()) {
      require(problem.line() >= 0, "a line before the first one: " + problem);
      require(!problem.reason().isBlank() && !problem.mend().isBlank(), "says little: " + problem);
    }
    require(!read.objects().isEmpty() || !read.problems().isEmpty(), "nothing, without a word");
    require(read.equals(ObjectReader.read("input.yaml", input)), "read twice, read differently");
  }
}
