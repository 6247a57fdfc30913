package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.GaugeMetricFamily;
import io.sluice.proxy.ProxyStats;
import io.sluice.proxy.ProxyStats.Use;
import java.util.List;
import java.util.function.Supplier;

/**
 * Reads, when it is scraped, what each pod of the node has cost the proxy, and all of them, and
 * what checks of endpoints have come to. The series of a pod end when it is released and its last
 * connection has ended.
 */
final class UseCollector extends Collector {
  private static final List<String> POD = List.of("namespace", "pod");
  private static final double NANOS_PER_SECOND = 1e9;

  private final Supplier<ProxyStats> stats;

  UseCollector(Supplier<ProxyStats> stats) {
    this.stats = stats;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    ProxyStats now = stats.get();
    CounterMetricFamily cpu =
        new CounterMetricFamily(
            "sluice_proxy_pod_cpu_seconds_total",
            "CPU time of event loops for connections that the pod began, or that came to it from"
                + " elsewhere than this node's pods.",
            POD);
    CounterMetricFamily received =
        new CounterMetricFamily(
            "sluice_proxy_pod_received_bytes_total",
            "Bytes that came from sockets of these connections, at either end.",
            POD);
    CounterMetricFamily sent =
        new CounterMetricFamily(
            "sluice_proxy_pod_sent_bytes_total",
            "Bytes that were written to sockets of these connections, at either end.",
            POD);
    GaugeMetricFamily buffered =
        new GaugeMetricFamily(
            "sluice_proxy_pod_buffered_bytes_peak",
            "Most bytes that have waited at once for slow readers in the pod's connections.",
            POD);
    now.pods()
        .forEach((pod, held) -> {
          List<String> name = List.of(pod.namespace(), pod.name());
          Use used = held.used();
          cpu.addMetric(name, used.cpuNanos() / NANOS_PER_SECOND);
          received.addMetric(name, (double) used.receivedBytes());
          sent.addMetric(name, (double) used.sentBytes());
          buffered.addMetric(name, (double) used.peakBufferedBytes());
        });
    CounterMetricFamily checks =
        new CounterMetricFamily(
            "sluice_proxy_health_checks_total",
            "Times that endpoints were asked whether they are well; undecided where nothing came of"
                + " it that tells of them, as policy was against it.",
            List.of("result"));
    checks.addMetric(List.of("success"), (double) now.checks().succeeded());
    checks.addMetric(List.of("failure"), (double) now.checks().failed());
    checks.addMetric(List.of("undecided"), (double) now.checks().undecided());
    Use all = now.used();
    return List.of(
        cpu,
        received,
        sent,
        buffered,
        checks,
        new CounterMetricFamily(
            "sluice_proxy_ejections_total",
            "Times that an endpoint was left out of choice for a while, as it had failed in a row.",
            (double) now.ejections().all()),
        new CounterMetricFamily(
            "sluice_proxy_cpu_seconds_total",
            "CPU time of event loops: of all pods, gone ones too, and of what no pod has caused.",
            all.cpuNanos() / NANOS_PER_SECOND),
        new CounterMetricFamily(
            "sluice_proxy_received_bytes_total",
            "Bytes that came from sockets, of all pods.",
            (double) all.receivedBytes()),
        new CounterMetricFamily(
            "sluice_proxy_sent_bytes_total",
            "Bytes that were written to sockets, of all pods.",
            (double) all.sentBytes()));
  }
}
