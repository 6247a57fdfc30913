package io.sluice.control.authority;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The {@code openssl} command, as a judge that shares no code with us. */
public final class OpenSsl {
  /** What it printed on both streams, and whether it was content. */
  public record Answer(boolean ok, String text) {}

  private OpenSsl() {}

  /**
   * Runs it in {@code directory}.
   *
   * @param words its first arguments, with a blank between each two
   * @param whole further ones, which may have blanks
   */
  public static Answer run(Path directory, String words, String... whole)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("openssl"));
    command.addAll(List.of(words.split(" ")));
    command.addAll(List.of(whole));
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException("openssl does not end: " + command);
    }
    return new Answer(process.exitValue() == 0, text);
  }
}
