package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;

/** Connections that the proxy reset; a pod's series end when it leaves the mesh. */
final class RefusalCollector extends Collector {
  private record Key(NamespacedName pod, Direction direction, Reason reason) {}

  private final Map<Key, LongAdder> counts = new ConcurrentHashMap<>();

  void count(AccessRecord record) {
    Reason reason = record.verdict().isAllowed() ? record.closeReason() : record.verdict().reason();
    counts
        .computeIfAbsent(
            new Key(record.info().pod(), record.info().direction(), reason), key -> new LongAdder())
        .increment();
  }

  void keepOnly(Predicate<NamespacedName> pods) {
    counts.keySet().removeIf(key -> !pods.test(key.pod));
  }

  @Override
  public List<MetricFamilySamples> collect() {
    CounterMetricFamily family =
        new CounterMetricFamily(
            "sluice_proxy_connections_refused_total",
            "Connections that the proxy reset before an upstream answered, with the reason.",
            List.of("namespace", "pod", "direction", "reason"));
    counts.forEach((key, count) ->
        family.addMetric(
            List.of(key.pod.namespace(), key.pod.name(), key.direction.label(), key.reason.label()),
            (double) count.sum()));
    return List.of(family);
  }
}
