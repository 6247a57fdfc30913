package io.sluice.node.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.GaugeMetricFamily;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.distribution.FollowStatus;
import io.sluice.node.distribution.FollowTraffic;
import java.util.List;
import java.util.function.Supplier;

/** Reads, when it is scraped, how this node follows its controller. */
final class DistributionCollector extends Collector {
  private final ControllerSnapshots source;
  private final Supplier<MeshSnapshot> inForce;

  DistributionCollector(ControllerSnapshots source, Supplier<MeshSnapshot> inForce) {
    this.source = source;
    this.inForce = inForce;
  }

  @Override
  public List<MetricFamilySamples> collect() {
    FollowStatus status = source.status();
    FollowTraffic traffic = source.traffic();
    return List.of(
        new GaugeMetricFamily(
            "sluice_distribution_connected",
            "1 while the controller is followed, else 0; `node status` says why not.",
            status.connected() ? 1 : 0),
        new GaugeMetricFamily(
            "sluice_distribution_revision",
            "Controller's revision of the newest change that was taken; 0 before the first. One"
                + " that changes nothing here is not told, so it may be lower than the"
                + " controller's.",
            status.controllerRevision()),
        new GaugeMetricFamily(
            "sluice_distribution_refused",
            "1 while the newest change is one that this node could not use, else 0; `node status`"
                + " says which resource and field.",
            status.refused().isEmpty() ? 0 : 1),
        changes(traffic),
        new CounterMetricFamily(
            "sluice_distribution_received_bytes",
            "Bytes of changes that the controller sent, before TLS.",
            traffic.bytesReceived()),
        resources(inForce.get()));
  }

  private static MetricFamilySamples changes(FollowTraffic traffic) {
    return new CounterMetricFamily(
            "sluice_distribution_changes",
            "Changes that were put in force (acknowledged) or could not be used (refused).",
            List.of("result"))
        .addMetric(List.of("acknowledged"), traffic.changesTaken())
        .addMetric(List.of("refused"), traffic.changesRefused());
  }

  private static MetricFamilySamples resources(MeshSnapshot snapshot) {
    GaugeMetricFamily resources =
        new GaugeMetricFamily(
            "sluice_snapshot_resources",
            "Resources of the snapshot in force, by type.",
            List.of("type"));
    for (Kind<?> kind : Kind.ALL) {
      if (kind != Kind.SETTINGS) {
        resources.addMetric(List.of(kind.name()), snapshot.all(kind).size());
      }
    }
    return resources;
  }
}
