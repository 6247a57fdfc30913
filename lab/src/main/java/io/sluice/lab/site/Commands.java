package io.sluice.lab.site;

import static java.util.stream.Collectors.joining;

import io.sluice.linux.process.ShortProgram;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Runs the tools of the machine. */
public final class Commands {
  /** No tool takes as long. */
  private static final Duration DEADLINE = Duration.ofMinutes(10);

  private Commands() {}

  /** What the command prints, its errors last; fails with that when it fails. */
  public static String run(String... command) {
    return run(List.of(command), "");
  }

  /**
   * Commands of {@code ip}, one a line, in one process; in a named namespace unless it is empty.
   */
  public static void ip(String netns, List<String> lines) {
    List<String> command =
        netns.isEmpty() ? List.of("ip", "-batch", "-") : List.of("ip", "-n", netns, "-batch", "-");
    run(command, String.join("\n", lines) + "\n");
  }

  /** Deletes named namespaces, and passes over those that cannot be. */
  public static void deleteNamespaces(List<String> names) {
    if (!names.isEmpty()) {
      String lines = names.stream().map(name -> "netns delete " + name + "\n").collect(joining());
      try {
        run(List.of("ip", "-force", "-batch", "-"), lines);
      } catch (IllegalStateException e) {
        // One that has gone is no failure; who cares looks at what is left.
      }
    }
  }

  /** The same of a command that reads {@code input}. */
  public static String run(List<String> command, String input) {
    try (ShortProgram program = ShortProgram.start(command, Map.of())) {
      ShortProgram.End end = program.finish(input, DEADLINE);
      String output = end.output() + end.errors();
      if (!end.isSuccess()) {
        throw new IllegalStateException(String.join(" ", command) + " failed: " + output + input);
      }
      return output;
    }
  }
}
