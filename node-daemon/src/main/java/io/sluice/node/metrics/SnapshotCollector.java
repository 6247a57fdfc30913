package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.GaugeMetricFamily;
import io.sluice.node.store.StoreFault;
import io.sluice.node.store.StoreStatus;
import io.sluice.node.store.StoredFirst;
import java.util.List;

/** Reads, when it is scraped, how old the snapshot in force is and how its store stands. */
final class SnapshotCollector extends Collector {
  private static final double MILLIS_PER_SECOND = 1_000;

  private final StoredFirst source;

  SnapshotCollector(StoredFirst source) {
    this.source = source;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    GaugeMetricFamily age =
        new GaugeMetricFamily(
            "sluice_snapshot_age_seconds",
            "Time since the controller last confirmed the snapshot in force; absent before there is"
                + " one.",
            List.of());
    source.age().ifPresent(time -> age.addMetric(List.of(), time.toMillis() / MILLIS_PER_SECOND));
    StoreStatus store = source.storeStatus();
    CounterMetricFamily faults =
        new CounterMetricFamily(
            "sluice_snapshot_store_faults_total",
            "Snapshots on the disk that could not be used, or written; `node status` tells which.",
            List.of("fault"));
    for (StoreFault fault : StoreFault.values()) {
      faults.addMetric(
          List.of(fault.label()), (double) store.faults().getOrDefault(fault, 0L).longValue());
    }
    return List.of(
        age,
        new GaugeMetricFamily(
            "sluice_snapshot_stored",
            "1 while the snapshot in force is the one from the disk, which no controller has"
                + " confirmed yet, else 0.",
            source.isStored() ? 1 : 0),
        faults);
  }
}
