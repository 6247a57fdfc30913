package io.sluice.charts;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * What Helm takes only from files, in a directory that its owner alone may read: values, and a
 * chart that differs from the one on disk. Closing removes all of it. One thread.
 */
final class TemporaryFiles implements AutoCloseable {
  private final Path directory;

  TemporaryFiles() {
    try {
      directory = Files.createTempDirectory("sluice-chart-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One file for each document, in that order. */
  List<Path> documents(List<String> texts) {
    List<Path> files = new ArrayList<>();
    try {
      for (String text : texts) {
        files.add(Files.writeString(directory.resolve("values-" + files.size() + ".yaml"), text));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }

  /** A copy of a chart, each file of it edited. */
  Path chart(Path original, UnaryOperator<String> edit) {
    Path copy = directory.resolve("chart");
    copyChart(original, copy, edit);
    return copy;
  }

  /** As {@link #chart}, to a place that stays. */
  static void copyChart(Path original, Path copy, UnaryOperator<String> edit) {
    try (Stream<Path> files = Files.walk(original)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path target = copy.resolve(original.relativize(file).toString());
        Files.createDirectories(target.getParent());
        Files.writeString(target, edit.apply(Files.readString(file)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
