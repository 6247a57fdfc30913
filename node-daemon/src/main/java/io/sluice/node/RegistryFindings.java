package io.sluice.node;

import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.List;

/**
 * What is found in the registry that a process reads, each with its line as {@code toString}: of
 * those that nobody is shown none is written.
 *
 * @param problems files and objects that cannot be used
 * @param warnings parts of objects that have no effect, or one that their author may not mean
 */
public record RegistryFindings(List<?> problems, List<?> warnings) {
  /** Nothing is found, or this process reads no registry. */
  public static final RegistryFindings NONE = new RegistryFindings(List.of(), List.of());

  /** A mesh can have one for each object; who looks mends some, then looks again. */
  private static final int MOST_SHOWN = 20;

  public RegistryFindings {
    problems = List.copyOf(problems);
    warnings = List.copyOf(warnings);
  }

  /** Writes the lines of the first ones, and how many more there are. */
  public static void put(ArrayNode shown, List<?> found) {
    found.stream().limit(MOST_SHOWN).map(Object::toString).forEach(shown::add);
    if (found.size() > MOST_SHOWN) {
      shown.add("and " + (found.size() - MOST_SHOWN) + " more, see the log");
    }
  }
}
