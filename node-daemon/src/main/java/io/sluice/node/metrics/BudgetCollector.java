package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.GaugeMetricFamily;
import io.sluice.mesh.Reporting;
import io.sluice.node.export.Budget;
import java.util.List;

/** Reads, when it is scraped, how much was exchanged with collectors, and how much may be. */
final class BudgetCollector extends Collector {
  private final Budget budget;

  BudgetCollector(Budget budget) {
    this.budget = budget;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    CounterMetricFamily exchanged =
        new CounterMetricFamily(
            "sluice_telemetry_bytes_total",
            "Bytes exchanged with collectors of spans and of lines of the access log, either way,"
                + " without headers of TCP and IP.",
            (double) budget.exchanged());
    GaugeMetricFamily most =
        new GaugeMetricFamily(
            "sluice_telemetry_budget_bytes",
            "Bytes that may be exchanged with collectors in 24 hours; absent where there is no limit.",
            List.of());
    if (budget.perDay() != Reporting.NO_BUDGET) {
      most.addMetric(List.of(), (double) budget.perDay());
    }
    return List.of(exchanged, most);
  }
}
