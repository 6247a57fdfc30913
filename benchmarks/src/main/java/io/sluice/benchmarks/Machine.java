package io.sluice.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * Where and when was measured.
 *
 * @param loadBefore 1-minute load average before the run began: above 0.5, somebody else worked too
 */
record Machine(
    int cores,
    String cpu,
    String architecture,
    String kernel,
    String jdk,
    String date,
    double loadBefore) {
  static Machine current() {
    return new Machine(
        Runtime.getRuntime().availableProcessors(),
        cpuModel(),
        System.getProperty("os.arch", "?"),
        System.getProperty("os.version", "?"),
        Runtime.version().toString(),
        Instant.now().truncatedTo(ChronoUnit.MINUTES).toString(),
        Double.parseDouble(read(Path.of("/proc/loadavg")).split(" ", 2)[0]));
  }

  private static String cpuModel() {
    return read(Path.of("/proc/cpuinfo"))
        .lines()
        .filter(line -> line.startsWith("model name"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse("unnamed processor"); // not every architecture names it
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  String sentence() {
    return "%d cores (%s, %s), Linux %s, JDK %s, %s, load average before the run %.2f"
        .formatted(cores, cpu, architecture, kernel, jdk, date, loadBefore);
  }
}
