package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Retried;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;

/** What became of requests that Retries are for; series end with the pod or the service. */
final class RetryCollector extends Collector {
  private static final List<String> LABELS =
      List.of("namespace", "pod", "service_namespace", "service", "event");

  private final Map<Key, LongAdder> counts = new ConcurrentHashMap<>();

  private record Key(NamespacedName pod, NamespacedName service, Retried.Event event) {}

  /** Of an exchange with a service. One that was not tried again makes all of them 0. */
  void count(ConnectionInfo info, List<Retried> events) {
    info.service()
        .ifPresent(service -> {
          for (Retried one : events) {
            counts
                .computeIfAbsent(new Key(info.pod(), service, one.event()), _ -> new LongAdder())
                .add(one.times());
          }
        });
  }

  /** What is counted of one pod, of all services, by names with dots. */
  void tell(NamespacedName pod, BiConsumer<String, Long> to) {
    counts.forEach((key, count) -> {
      if (key.pod.equals(pod)) {
        to.accept("proxy.retries." + key.event.word(), count.sum());
      }
    });
  }

  void keepOnly(MeshSnapshot there) {
    counts
        .keySet()
        .removeIf(key -> there.workload(key.pod).isEmpty() || there.service(key.service).isEmpty());
  }

  @Override
  public List<MetricFamilySamples> collect() {
    CounterMetricFamily family =
        new CounterMetricFamily(
            "sluice_proxy_retries_total",
            "What became of requests that failed and that a Retry is for, by Envoy's words.",
            LABELS);
    counts.forEach((key, count) ->
        family.addMetric(
            List.of(
                key.pod.namespace(),
                key.pod.name(),
                key.service.namespace(),
                key.service.name(),
                key.event.word()),
            (double) count.sum()));
    return List.of(family);
  }
}
