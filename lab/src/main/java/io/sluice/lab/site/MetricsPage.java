package io.sluice.lab.site;

import java.util.stream.Stream;

/** Text of {@code /metrics} of one moment. */
public record MetricsPage(String text) {
  /** The sum of a metric's series whose line holds all {@code labels}, such as {@code pod="x"}. */
  public double metric(String name, String... labels) {
    return text.lines()
        .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
        .filter(line -> Stream.of(labels).allMatch(line::contains))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }
}
