package io.sluice.charts;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Names of the series that daemon and controller have, as {@code docs/reference/metrics.md} lists
 * them. That page is made from the code, and a test there keeps it so.
 */
final class RegisteredMetrics {
  private static final Pattern ROW = Pattern.compile("(?m)^\\| `([a-z_0-9]+)` \\| ([a-z]+) \\|");

  private RegisteredMetrics() {}

  static Set<String> names() throws IOException {
    String page = Files.readString(Chart.ROOT.resolve("docs/reference/metrics.md"));
    Set<String> names = new TreeSet<>();
    ROW.matcher(page).results().forEach(row -> add(row, names));
    return names;
  }

  private static void add(MatchResult row, Set<String> names) {
    String name = row.group(1);
    Stream<String> suffixes =
        switch (row.group(2)) {
          case "histogram" -> Stream.of("_bucket", "_sum", "_count");
          case "summary" -> Stream.of("", "_sum", "_count");
          default -> Stream.of("");
        };
    suffixes.forEach(suffix -> names.add(name + suffix));
  }
}
