package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.proxy.ProxyStats;
import java.util.List;
import java.util.function.Supplier;

/** Reads, when it is scraped, what became of that about which others are asked. */
final class InquiryCollector extends Collector {
  private final Supplier<ProxyStats> stats;
  private final Supplier<MeshSnapshot> snapshot;

  InquiryCollector(Supplier<ProxyStats> stats, Supplier<MeshSnapshot> snapshot) {
    this.stats = stats;
    this.snapshot = snapshot;
  }

  /** Has series only while somebody is asked. */
  @Override
  public List<MetricFamilySamples> collect() {
    return List.of(authorizations(), limitations());
  }

  private CounterMetricFamily authorizations() {
    CounterMetricFamily counted =
        new CounterMetricFamily(
            "sluice_proxy_authorizations_total",
            "Requests to pods of this node that inboundExternalAuthorization was to be asked about,"
                + " by what became of them.",
            List.of("stat_prefix", "outcome"));
    ExternalAuthorization asked = snapshot.get().settings().authorizationOrNull();
    if (asked != null) {
      stats
          .get()
          .authorizations()
          .forEach((outcome, count) ->
              counted.addMetric(List.of(asked.statPrefix(), outcome.word()), (double) count));
    }
    return counted;
  }

  private CounterMetricFamily limitations() {
    CounterMetricFamily counted =
        new CounterMetricFamily(
            "sluice_proxy_global_rate_limits_total",
            "Questions to rate-limit services about what arrives at pods of this node, by what"
                + " became of them.",
            List.of("outcome"));
    if (snapshot.get().all(Kind.UPSTREAM_SETTING).stream()
        .anyMatch(setting -> setting.limits().servers().findAny().isPresent())) {
      stats
          .get()
          .limitations()
          .forEach((outcome, count) -> counted.addMetric(List.of(outcome.word()), (double) count));
    }
    return counted;
  }
}
