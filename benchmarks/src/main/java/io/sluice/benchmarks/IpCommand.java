package io.sluice.benchmarks;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Batches of ip(8). */
final class IpCommand {
  private IpCommand() {}

  /**
   * Runs {@code lines} one after the other, in the namespace named or, when that is empty, in ours.
   */
  static void batch(String namespace, List<String> lines) throws IOException {
    run(namespace, lines, List.of());
  }

  /** The same, but a line that fails does not keep the later ones from running. */
  static void batchAll(List<String> lines) throws IOException {
    run("", lines, List.of("-force"));
  }

  private static void run(String namespace, List<String> lines, List<String> options)
      throws IOException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(options);
    if (!namespace.isEmpty()) {
      command.addAll(List.of("-n", namespace));
    }
    command.addAll(List.of("-batch", "-"));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (OutputStream input = process.getOutputStream()) {
      input.write((String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0 && options.isEmpty()) {
        throw new IOException("ip " + namespace + ": " + output.strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while ip(8) ran", e);
    }
  }
}
