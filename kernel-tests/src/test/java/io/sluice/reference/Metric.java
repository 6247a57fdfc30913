package io.sluice.reference;

import java.util.List;

/**
 * A metric that a process registers.
 *
 * @param name as Prometheus sees it, of a histogram without the suffixes
 * @param type {@code counter}, {@code gauge}, {@code histogram}, {@code summary} or {@code info}
 * @param labels in their order
 * @param help its help text
 */
record Metric(String name, String type, List<String> labels, String help) {
  Metric {
    labels = List.copyOf(labels);
    if (type.equals("counter") && !name.endsWith("_total") && !name.startsWith("osm_")) {
      name += "_total"; // the library appends it when it writes, as below
    }
    if (type.equals("info")) {
      name += "_info";
    }
  }
}
