package io.sluice.kernel;

import io.sluice.lab.site.JavaCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How the program ended.
 *
 * @param busy processor time that it took: most of what a caller waits for, whatever else the
 *     machine does
 */
record Timed(int code, String out, String err, Duration busy) {
  /** Runs {@code sluice WORDS} to its end. */
  static Timed sluice(List<String> words) throws IOException, InterruptedException {
    Path times = Files.createTempFile("times", "");
    Path err = Files.createTempFile("err", "");
    try {
      List<String> command =
          new ArrayList<>(
              List.of("sh", "-c", "\"$@\"; code=$?; times >\"$0\"; exit $code", times.toString()));
      command.addAll(JavaCommand.sluice(words.toArray(String[]::new)));
      Process process = new ProcessBuilder(command).redirectError(err.toFile()).start();
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int code = process.waitFor();
      return new Timed(code, out, Files.readString(err), busy(Files.readAllLines(times).getLast()));
    } finally {
      Files.delete(times);
      Files.delete(err);
    }
  }

  /** The same in this JVM, which counts no time for it. */
  static Timed here(List<String> words) {
    JavaCommand.Ended ended = JavaCommand.ended(words.toArray(String[]::new));
    return new Timed(ended.code(), ended.out(), ended.err(), Duration.ZERO);
  }

  /** Of {@code 0m0.40s 0m0.05s}: user and system. */
  private static Duration busy(String times) {
    Duration sum = Duration.ZERO;
    for (String part : times.split(" ")) {
      sum = sum.plus(Duration.parse("PT" + part.toUpperCase(Locale.ROOT)));
    }
    return sum;
  }
}
