package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.GaugeMetricFamily;
import io.sluice.node.export.Counts;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Reads, when it is scraped, what became of what exporters of one kind were given. Has series only
 * while there are any.
 */
final class ExportCollector extends Collector {
  private final Supplier<CounterMetricFamily> counted;
  private final Supplier<GaugeMetricFamily> waits;
  private final BooleanSupplier isOn;
  private final Counts counts;

  /**
   * Of one kind.
   *
   * @param counted without samples, by outcome
   * @param waits likewise, by nothing
   */
  ExportCollector(
      Supplier<CounterMetricFamily> counted,
      Supplier<GaugeMetricFamily> waits,
      BooleanSupplier isOn,
      Counts counts) {
    this.counted = counted;
    this.waits = waits;
    this.isOn = isOn;
    this.counts = counts;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    CounterMetricFamily outcomes = counted.get();
    GaugeMetricFamily queue = waits.get();
    if (isOn.getAsBoolean()) {
      Counts.Now now = counts.now();
      outcomes.addMetric(List.of("sent"), (double) now.sent());
      outcomes.addMetric(List.of("rejected"), (double) now.rejected());
      outcomes.addMetric(List.of("unanswered"), (double) now.unanswered());
      outcomes.addMetric(List.of("dropped"), (double) now.dropped());
      outcomes.addMetric(List.of("over_budget"), (double) now.overBudget());
      queue.addMetric(List.of(), (double) now.waiting());
    }
    return List.of(outcomes, queue);
  }
}
