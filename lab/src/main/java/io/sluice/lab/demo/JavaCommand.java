package io.sluice.lab.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts this program again, as it was started itself. */
final class JavaCommand {
  /** By name: the command knows the demo, so the demo must not know the command. */
  private static final String MAIN = "io.sluice.lab.demo.DemoCommand";

  /** What the launcher gives a daemon on top of the flags that every command gets. */
  private static final List<String> DAEMON_FLAGS =
      List.of(
          "-Xmx64m",
          "-Xms8m",
          "-Xmn2m",
          "-XX:MinHeapFreeRatio=10",
          "-XX:MaxHeapFreeRatio=20",
          "-XX:MaxDirectMemorySize=32m",
          "-XX:ReservedCodeCacheSize=24m");

  private JavaCommand() {}

  /** A process of the daemon with these arguments; its output goes to {@code log}. */
  static ProcessBuilder daemon(Path log, List<String> arguments) {
    ProcessBuilder builder = process(log, DAEMON_FLAGS, arguments);
    // glibc otherwise keeps an arena of its own for each thread.
    builder.environment().put("MALLOC_ARENA_MAX", "1");
    return builder;
  }

  /** A process of any other command. */
  static ProcessBuilder program(Path log, List<String> arguments) {
    return process(log, List.of(), arguments);
  }

  private static ProcessBuilder process(Path log, List<String> flags, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(flags);
    command.addAll(ownFlags());
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(MAIN);
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .redirectInput(Path.of("/dev/null").toFile())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
  }

  private static List<String> ownFlags() {
    try {
      return flags(Files.readString(Path.of("/proc/self/cmdline"), StandardCharsets.UTF_8));
    } catch (IOException e) {
      return flags("");
    }
  }

  /** Flags in a command line as /proc shows it: between the program and the class path. */
  static List<String> flags(String commandLine) {
    List<String> found = new ArrayList<>();
    List<String> words = List.of(commandLine.split("\0", -1));
    for (int i = 1; i < words.size() && words.contains(MAIN); i++) {
      String word = words.get(i);
      if (word.equals(MAIN)) {
        return found;
      } else if (word.equals("-cp") || word.equals("-classpath")) {
        i++;
      } else {
        found.add(word);
      }
    }
    return List.of("--enable-native-access=ALL-UNNAMED"); // started otherwise, as in a test
  }
}
