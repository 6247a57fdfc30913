package io.sluice.lab.demo;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One line of Prometheus' text format 0.0.4.
 *
 * @param name of the metric
 * @param labels by name
 * @param value as it stands
 */
record MetricSample(String name, Map<String, String> labels, double value) {
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
    Map<String, String> labels = new HashMap<>();
    int brace = line.indexOf('{');
    int end = line.indexOf(' ');
    if (brace >= 0 && brace < end) {
      end = labels(line, brace + 1, labels);
      return new MetricSample(line.substring(0, brace), labels, value(line, end));
    }
    return new MetricSample(line.substring(0, Math.max(0, end)), labels, value(line, end));
  }

  private static double value(String line, int from) {
    String text = from < 0 ? "" : line.substring(from).strip();
    int timestamp = text.indexOf(' ');
    text = timestamp < 0 ? text : text.substring(0, timestamp);
    return switch (text) {
      case "+Inf" -> Double.POSITIVE_INFINITY;
      case "-Inf" -> Double.NEGATIVE_INFINITY;
      case "" -> throw new IllegalArgumentException("no value in: " + line);
      default -> Double.parseDouble(text);
    };
  }

  /** Reads {@code a="b",c="d"} up to the closing brace; returns the position after it. */
  private static int labels(String line, int from, Map<String, String> labels) {
    int at = from;
    while (at < line.length() && line.charAt(at) != '}') {
      int equals = line.indexOf("=\"", at);
      if (equals < 0) {
        break;
      }
      String name = line.substring(at, equals);
      StringBuilder value = new StringBuilder();
      at = equals + 2;
      while (at < line.length() && line.charAt(at) != '"') {
        char c = line.charAt(at++);
        if (c == '\\' && at < line.length()) {
          char escaped = line.charAt(at++);
          value.append(escaped == 'n' ? '\n' : escaped);
        } else {
          value.append(c);
        }
      }
      labels.put(name, value.toString());
      at++;
      if (at < line.length() && line.charAt(at) == ',') {
        at++;
      }
    }
    if (at >= line.length()) {
      throw new IllegalArgumentException("labels do not end in: " + line);
    }
    return at + 1;
  }
}
