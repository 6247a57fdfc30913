package io.sluice.fuzz;

import io.sluice.control.compile.CompiledChange;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.InForce;
import io.sluice.control.compile.IncrementalCompiler;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The compilers take whatever the reader lets through, and agree after every change. The input is a
 * row of files, each ended by a byte that UTF-8 does not have; the first character of each says
 * which of a few files is replaced.
 */
public final class CompilerTarget {
  private static final byte END = (byte) 0xff;
  private static final int FILES = 4;
  private static final int MOST_CHANGES = 16;

  private CompilerTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    IncrementalCompiler compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    Map<String, List<KubernetesObject>> files = new TreeMap<>();
    InForce inForce = InForce.NOTHING;
    int start = 0;
    for (int change = 0; change < MOST_CHANGES && start < input.length; change++) {
      int end = start;
      while (end < input.length && input[end] != END) {
        end++;
      }
      if (end > start) {
        String file = Math.floorMod(input[start], FILES) + ".yaml";
        var read = ObjectReader.read(file, Arrays.copyOfRange(input, start + 1, end));
        if (read.problems().isEmpty()) {
          files.put(file, read.objects());
          inForce = compare(compiler.apply(Map.of(file, read.objects())), files, inForce);
        } else if (end == start + 1) {
          files.remove(file);
          inForce = compare(compiler.apply(Map.of(file, List.of())), files, inForce);
        }
      }
      start = end + 1;
    }
  }

  private static InForce compare(
      CompiledChange found, Map<String, List<KubernetesObject>> files, InForce inForce) {
    IncrementalCompiler fresh = new IncrementalCompiler(CompilerSettings.USUAL, 0, inForce);
    CompiledChange expected = fresh.apply(files);
    if (!found.snapshot().hasSameContentAs(expected.snapshot())) {
      throw new AssertionError("another snapshot than from scratch: " + found.changed());
    }
    if (!found.statuses().equals(expected.statuses())) {
      throw new AssertionError(
          "other statuses than from scratch: " + found.statuses() + ", not " + expected.statuses());
    }
    return fresh.inForce();
  }
}
