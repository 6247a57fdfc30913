package io.sluice.charts;

import io.prometheus.client.Collector;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.hotspot.DefaultExports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Names of the series that daemon and controller have. Read from the packages that register them,
 * since most collectors need a running daemon; those of the JVM are asked of their library.
 */
final class RegisteredMetrics {
  private static final List<String> PACKAGES =
      List.of(
          "node-daemon/src/main/java/io/sluice/node/metrics",
          "control-plane/src/main/java/io/sluice/control/metrics");

  /** How a metric is made, and its name. */
  private static final Pattern MADE =
      Pattern.compile(
          "(Counter\\.build|Gauge\\.build|Histogram\\.build|GaugeMetricFamily|CounterMetricFamily"
              + "|gauge|counter|flows)\\(\\s*\"((?:sluice|istio)_[a-z0-9_]+)\"");

  private RegisteredMetrics() {}

  static Set<String> names() throws IOException {
    Set<String> names = new TreeSet<>();
    for (String each : PACKAGES) {
      try (Stream<Path> files = Files.list(Chart.ROOT.resolve(each))) {
        for (Path file : files.toList()) {
          MADE.matcher(Files.readString(file)).results().forEach(made -> add(made, names));
        }
      }
    }
    CollectorRegistry jvm = new CollectorRegistry();
    DefaultExports.register(jvm);
    for (Collector.MetricFamilySamples family : Collections.list(jvm.metricFamilySamples())) {
      family.samples.forEach(sample -> names.add(sample.name));
    }
    return names;
  }

  private static void add(MatchResult made, Set<String> names) {
    String name = made.group(2);
    switch (made.group(1)) {
      case "Counter.build", "counter" -> names.add(name.replaceFirst("_total$", "") + "_total");
      case "Histogram.build" ->
          Stream.of("_bucket", "_sum", "_count").forEach(suffix -> names.add(name + suffix));
      default -> names.add(name);
    }
  }
}
