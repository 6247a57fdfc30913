package io.sluice.control.metrics;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.Gauge;
import io.prometheus.client.Histogram;
import io.sluice.mesh.Marker;

/** What of {@link ControllerMetrics} is about what nodes are told. Any thread. */
public final class DistributionMetrics {
  private static final double NANOS_PER_SECOND = 1e9;
  private static final String ACKNOWLEDGED = "acknowledged";
  private static final String REFUSED = "refused";

  private final OsmMetrics osm;
  private final Gauge streams;
  private final Gauge revision;
  private final Gauge unusable;
  private final Counter answers;
  private final Counter resources;
  private final Counter bytes;
  private final Histogram delay;

  DistributionMetrics(CollectorRegistry registry, OsmMetrics osm) {
    this.osm = osm;
    streams =
        Gauge.build("sluice_control_distribution_streams", "Nodes that follow the resources now.")
            .register(registry);
    revision =
        Gauge.build(
                "sluice_control_distribution_revision",
                "Revision of the snapshot that nodes are brought to.")
            .register(registry);
    unusable =
        Gauge.build(
                "sluice_control_distribution_unusable_objects",
                "Objects of the snapshot that nodes are told closed, or not at all; `sluice"
                    + " control status` says why.")
            .register(registry);
    answers =
        Counter.build(
                "sluice_control_distribution_answers",
                "Changes that nodes took (acknowledged) or could not use (refused).")
            .labelNames("result")
            .register(registry);
    resources =
        Counter.build(
                "sluice_control_distribution_resources", "New and changed resources sent to nodes.")
            .register(registry);
    bytes =
        Counter.build(
                "sluice_control_distribution_sent_bytes",
                "Bytes of changes sent to nodes, before TLS.")
            .register(registry);
    delay =
        Histogram.build(
                "sluice_control_distribution_delay_seconds",
                "From a snapshot to a node's answer that it decides by it.")
            .buckets(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
            .register(registry);
    answers.labels(ACKNOWLEDGED);
    answers.labels(REFUSED);
  }

  /** Nodes that follow. */
  public void streams(int now) {
    streams.set(now);
  }

  double streams() {
    return streams.get();
  }

  /** A node follows that was known before. */
  public void reconnected() {
    osm.reconnected();
  }

  /** The snapshot that nodes are brought to. */
  public void revision(long now) {
    revision.set(now);
  }

  /** Objects that nodes cannot be told of as they are. */
  public void unusable(int now) {
    unusable.set(now);
  }

  /** A part was sent, with so many resources and bytes. */
  public void sent(int changed, int size) {
    resources.inc(changed);
    bytes.inc(size);
  }

  /**
   * A node has taken a change, so many nanoseconds after the snapshot, and the change, was made.
   */
  public void acknowledged(long sinceSnapshot, long sinceChange) {
    answers.labels(ACKNOWLEDGED).inc();
    delay.observe(sinceSnapshot / NANOS_PER_SECOND);
    osm.updated(Marker.TYPE_URL, true, sinceChange);
  }

  /** A node could not use a change that was made so many nanoseconds ago. */
  public void refused(long sinceChange) {
    answers.labels(REFUSED).inc();
    osm.updated(Marker.TYPE_URL, false, sinceChange);
  }
}
