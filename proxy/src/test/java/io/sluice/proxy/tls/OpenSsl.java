package io.sluice.proxy.tls;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The {@code openssl} command, as a judge that shares no code with us. */
public final class OpenSsl {
  private static final int LONGEST_RUN_SECONDS = 20;

  private OpenSsl() {}

  /** What it printed, on both streams; fails the test when the command fails. */
  public static String run(Path directory, String... arguments) throws Exception {
    Process process = start(directory, List.of(arguments));
    process.getOutputStream().close();
    String text = output(process);
    if (process.exitValue() != 0) {
      throw new AssertionError("openssl " + String.join(" ", arguments) + ":\n" + text);
    }
    return text;
  }

  /** Started, with both streams in one. */
  public static Process start(Path directory, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add("openssl");
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .directory(directory.toFile())
        .redirectErrorStream(true)
        .start();
  }

  /** All that it prints until it ends. */
  public static String output(Process process) throws Exception {
    Thread limit =
        Thread.ofVirtual()
            .start(() -> {
              try {
                if (!process.waitFor(LONGEST_RUN_SECONDS, TimeUnit.SECONDS)) {
                  process.destroyForcibly();
                }
              } catch (InterruptedException e) {
                process.destroyForcibly();
              }
            });
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    process.waitFor();
    limit.join();
    return text;
  }
}
