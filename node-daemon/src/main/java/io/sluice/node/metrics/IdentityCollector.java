package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.GaugeMetricFamily;
import io.sluice.node.identity.CertificateStatus;
import io.sluice.node.identity.IdentityStatus;
import io.sluice.node.identity.NodeIdentities;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads how certificates stand when it is scraped. No label names an identity: of the earliest end
 * there is one series a holder, and `node certificates` tells whose it is.
 */
final class IdentityCollector extends Collector {
  private static final double MILLIS_PER_SECOND = 1_000;

  private final NodeIdentities identities;

  IdentityCollector(NodeIdentities identities) {
    this.identities = identities;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    IdentityStatus status = identities.status();
    GaugeMetricFamily contact =
        new GaugeMetricFamily(
            "sluice_identity_last_contact_seconds",
            "Time since the controller last answered; absent before the first answer.",
            List.of());
    Instant last = status.lastContactOrNull();
    if (last != null) {
      contact.addMetric(
          List.of(),
          Math.max(0, Duration.between(last, identities.time().instant()).toMillis())
              / MILLIS_PER_SECOND);
    }
    return List.of(
        ends(status),
        certificates(status),
        requests(),
        gauge(
            "sluice_identity_trust_bundle_generation",
            "Generation of the trust bundle in use; 0 before the first admission.",
            status.bundleGeneration()),
        gauge(
            "sluice_identity_trust_bundle_roots",
            "Roots in the trust bundle in use.",
            status.rootIds().size()),
        gauge(
            "sluice_identity_trust_bundle_refused",
            "1 while the controller's latest trust bundle is refused, else 0.",
            status.bundleProblem().isEmpty() ? 0 : 1),
        gauge(
            "sluice_identity_controller_connected",
            "1 while the controller is followed, else 0.",
            status.connected() ? 1 : 0),
        contact);
  }

  private static MetricFamilySamples gauge(String name, String help, double value) {
    return new GaugeMetricFamily(name, help, value);
  }

  private static GaugeMetricFamily ends(IdentityStatus status) {
    GaugeMetricFamily family =
        new GaugeMetricFamily(
            "sluice_identity_certificate_expiry_timestamp_seconds",
            "Earliest end of validity among the certificates of a holder, in Unix time.",
            List.of("holder"));
    add(family, "node", status.nodeEndOrNull());
    add(family, "workload", status.workloadEndOrNull());
    add(family, "root", status.rootEndOrNull());
    return family;
  }

  private static void add(GaugeMetricFamily family, String holder, @Nullable Instant end) {
    if (end != null) {
      family.addMetric(List.of(holder), (double) end.getEpochSecond());
    }
  }

  private static GaugeMetricFamily certificates(IdentityStatus status) {
    GaugeMetricFamily family =
        new GaugeMetricFamily(
            "sluice_identity_certificates",
            "Identities of pods on this node, by the state of their certificate.",
            List.of("state"));
    family.addMetric(List.of(CertificateStatus.State.VALID.label()), status.valid());
    family.addMetric(List.of(CertificateStatus.State.EXPIRED.label()), status.expired());
    family.addMetric(List.of(CertificateStatus.State.MISSING.label()), status.missing());
    return family;
  }

  private CounterMetricFamily requests() {
    CounterMetricFamily family =
        new CounterMetricFamily(
            "sluice_identity_requests_total",
            "Requests for certificates by what came of them: issued, or why not.",
            List.of("holder", "result"));
    identities
        .requests()
        .forEach((series, count) ->
            family.addMetric(
                List.of(series.holder().label(), series.result()), (double) count.longValue()));
    return family;
  }
}
