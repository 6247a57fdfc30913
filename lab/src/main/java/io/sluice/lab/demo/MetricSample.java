package io.sluice.lab.demo;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One line of Prometheus' text format 0.0.4.
 *
 * @param name of the metric
 * @param labels by name
 * @param value as it stands
 */
record MetricSample(String name, Map<String, String> labels, double value) {
  private static final Pattern ESCAPE = Pattern.compile("\\\\(.)");
  private static final Pattern LABEL =
      Pattern.compile("([^=,{]+)=\"([^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+)\",?");
  private static final Pattern SAMPLE =
      Pattern.compile(
          "(?<name>[^{ ]+)(?:\\{(?<labels>(?:" + LABEL + ")*+)})? (?<value>\\S+)(?: \\S+)?");

  MetricSample {
    labels = Map.copyOf(labels);
  }

  /** The value of a label, empty when it has none. */
  String label(String label) {
    return labels.getOrDefault(label, "");
  }

  /** Every sample of a page. Throws {@link IllegalArgumentException} at a line it cannot read. */
  static List<MetricSample> parse(String page) {
    List<MetricSample> samples = new ArrayList<>();
    for (String line : page.split("\n", -1)) {
      if (!line.isBlank() && !line.startsWith("#")) {
        samples.add(sample(line));
      }
    }
    return samples;
  }

  private static MetricSample sample(String line) {
    Matcher sample = SAMPLE.matcher(line);
    if (!sample.matches()) {
      throw new IllegalArgumentException("no sample: " + line);
    }
    Map<String, String> labels = new HashMap<>();
    LABEL
        .matcher(Objects.requireNonNullElse(sample.group("labels"), ""))
        .results()
        .forEach(label -> labels.put(label.group(1), unescaped(label.group(2))));
    String value = sample.group("value").replace("Inf", "Infinity");
    return new MetricSample(sample.group("name"), labels, Double.parseDouble(value));
  }

  private static String unescaped(String text) {
    return ESCAPE
        .matcher(text)
        .replaceAll(
            found -> Matcher.quoteReplacement(found.group(1).equals("n") ? "\n" : found.group(1)));
  }
}
