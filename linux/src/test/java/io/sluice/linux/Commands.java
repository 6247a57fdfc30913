package io.sluice.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Runs programs that tests need. */
public final class Commands {
  private Commands() {}

  public static String run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + ": " + output);
    }
    return output;
  }
}
