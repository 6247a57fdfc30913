package io.sluice.chaos;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/**
 * How a process is asked for what it holds: a line on its standard input names a file, and the same
 * line comes back when the file is written.
 */
final class Dumps {
  /** Before the line that comes back. */
  static final String WRITTEN = "written ";

  private Dumps() {}

  /** Answers until standard input ends, then ends the process: nobody is there any more. */
  static void serve(Callable<byte[]> content) {
    Thread.ofPlatform().name("chaos-dumps").start(() -> answer(content));
  }

  private static void answer(Callable<byte[]> content) {
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        Files.write(Path.of(line), content.call());
        say(WRITTEN + line);
      }
      Runtime.getRuntime().halt(0);
    } catch (Exception e) {
      // Top frame of the thread. The stack is for the log of this process.
      e.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  /** A line for who has started this process. */
  static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  /** What was written into the file of a line that came back. */
  static byte[] read(Path file) throws IOException {
    byte[] content = Files.readAllBytes(file);
    Files.delete(file);
    return content;
  }
}
