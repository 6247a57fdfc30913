package io.sluice.control.metrics;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.Gauge;

/** What of {@link ControllerMetrics} is about clients of Envoy's discovery protocol. Any thread. */
public final class XdsMetrics {
  private static final String TAKEN = "acknowledged";
  private static final String REFUSED = "refused";

  private final OsmMetrics osm;
  private final Gauge streams;
  private final Counter answers;
  private final Counter resources;
  private final Counter bytes;

  XdsMetrics(CollectorRegistry registry, OsmMetrics osm) {
    this.osm = osm;
    streams =
        Gauge.build("sluice_control_xds_streams", "Streams of xDS clients that are open now.")
            .register(registry);
    answers =
        Counter.build(
                "sluice_control_xds_answers",
                "Responses that xDS clients took (acknowledged) or could not use (refused);"
                    + " `sluice control status` says why.")
            .labelNames("result")
            .register(registry);
    resources =
        Counter.build("sluice_control_xds_resources", "Resources sent to xDS clients, by type.")
            .labelNames("type")
            .register(registry);
    bytes =
        Counter.build(
                "sluice_control_xds_sent_bytes", "Bytes of responses to xDS clients, before TLS.")
            .register(registry);
    answers.labels(TAKEN);
    answers.labels(REFUSED);
  }

  /** Streams that are open. */
  public void streams(int now) {
    streams.set(now);
  }

  double streams() {
    return streams.get();
  }

  /** A response was sent. */
  public void sent(String type, int count, int size) {
    resources.labels(type).inc(count);
    bytes.inc(size);
  }

  /** A client goes by a response, or could not use it, so many nanoseconds after it was made. */
  public void answered(String typeUrl, boolean taken, long nanos) {
    answers.labels(taken ? TAKEN : REFUSED).inc();
    osm.updated(typeUrl, taken, nanos);
  }
}
