package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.GaugeMetricFamily;
import io.sluice.node.tracing.Spans;
import java.util.List;

/** Reads, when it is scraped, what became of spans. Has series only while they are made. */
final class SpanCollector extends Collector {
  private final Spans spans;

  SpanCollector(Spans spans) {
    this.spans = spans;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    CounterMetricFamily counted =
        new CounterMetricFamily(
            "sluice_tracing_spans_total",
            "Spans of requests, by what became of them: taken by the collector, rejected by it, or"
                + " dropped as more waited than may.",
            List.of("outcome"));
    GaugeMetricFamily waiting =
        new GaugeMetricFamily(
            "sluice_tracing_spans_waiting", "Spans that wait for the collector now.", List.of());
    if (spans.isOn()) {
      Spans.Counts counts = spans.counts();
      counted.addMetric(List.of("sent"), (double) counts.sent());
      counted.addMetric(List.of("rejected"), (double) counts.rejected());
      counted.addMetric(List.of("dropped"), (double) counts.dropped());
      waiting.addMetric(List.of(), counts.waiting());
    }
    return List.of(counted, waiting);
  }
}
