package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.proxy.ProxyStats;
import java.util.List;
import java.util.function.Supplier;

/** Reads, when it is scraped, what became of requests that the mesh's authoriser is asked about. */
final class AuthorizationCollector extends Collector {
  private final Supplier<ProxyStats> stats;
  private final Supplier<MeshSnapshot> snapshot;

  AuthorizationCollector(Supplier<ProxyStats> stats, Supplier<MeshSnapshot> snapshot) {
    this.stats = stats;
    this.snapshot = snapshot;
  }

  /** Has series only while somebody is asked. */
  @Override
  public List<MetricFamilySamples> collect() {
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
    return List.of(counted);
  }
}
