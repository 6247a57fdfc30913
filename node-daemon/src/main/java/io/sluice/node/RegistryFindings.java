package io.sluice.node;

import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.List;

/**
 * What is found in the registry that a process reads, a line each.
 *
 * @param problems files and objects that cannot be used
 * @param warnings parts of objects that have no effect, or one that their author may not mean
 */
public record RegistryFindings(List<String> problems, List<String> warnings) {
  /** Nothing is found, or this process reads no registry. */
  public static final RegistryFindings NONE = new RegistryFindings(List.of(), List.of());

  /** A mesh can have one for each object; who looks mends some, then looks again. */
  private static final int MOST_SHOWN = 20;

  public RegistryFindings {
    problems = List.copyOf(problems);
    warnings = List.copyOf(warnings);
  }

  /** Writes the first ones of {@code lines}, and how many more there are. */
  public static void put(ArrayNode shown, List<String> lines) {
    lines.stream().limit(MOST_SHOWN).forEach(shown::add);
    if (lines.size() > MOST_SHOWN) {
      shown.add("and " + (lines.size() - MOST_SHOWN) + " more, see the log");
    }
  }
}
