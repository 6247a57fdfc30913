package io.sluice.lab.site;

import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs the tools of the machine. */
public final class Commands {
  private Commands() {}

  /** What the command prints; fails with its output when it fails. */
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

  private static String run(List<String> command, String input) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      try (var in = process.getOutputStream()) {
        in.write(input.getBytes(StandardCharsets.UTF_8));
      }
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new IllegalStateException(String.join(" ", command) + " failed: " + output + input);
      }
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + command, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while running " + command, e);
    }
  }
}
