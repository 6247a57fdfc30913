package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.GaugeMetricFamily;
import io.sluice.node.export.Exporter;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/**
 * Reads, when it is scraped, what became of what exporters of one kind were given. Has series only
 * while there are any.
 */
final class ExportCollector extends Collector {
  private final String name;
  private final String what;
  private final BooleanSupplier isOn;
  private final Exporter.Counts counts;
  private final IntSupplier waiting;

  /**
   * Of one kind.
   *
   * @param name how the names of both metrics begin
   * @param what is sent
   */
  ExportCollector(
      String name, String what, BooleanSupplier isOn, Exporter.Counts counts, IntSupplier waiting) {
    this.name = name;
    this.what = what;
    this.isOn = isOn;
    this.counts = counts;
    this.waiting = waiting;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    CounterMetricFamily counted =
        new CounterMetricFamily(
            name + "_total",
            what
                + ", by what became of them: taken by the collector, rejected by it, or dropped as"
                + " more waited than may.",
            List.of("outcome"));
    GaugeMetricFamily waits =
        new GaugeMetricFamily(
            name + "_waiting", what + " that wait for the collector now.", List.of());
    if (isOn.getAsBoolean()) {
      counted.addMetric(List.of("sent"), (double) counts.sent());
      counted.addMetric(List.of("rejected"), (double) counts.rejected());
      counted.addMetric(List.of("dropped"), (double) counts.dropped());
      waits.addMetric(List.of(), waiting.getAsInt());
    }
    return List.of(counted, waits);
  }
}
