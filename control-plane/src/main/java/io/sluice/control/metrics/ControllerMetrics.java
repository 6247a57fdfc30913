package io.sluice.control.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.Gauge;
import io.prometheus.client.GaugeMetricFamily;
import io.prometheus.client.Histogram;
import io.prometheus.client.exporter.common.TextFormat;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.kubernetes.WatchCounts;
import io.sluice.control.limit.ConnectionRefusal;
import io.sluice.process.ProcessMetrics;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntSupplier;

/** Every metric of the controller, in a registry of its own. Any thread. */
public final class ControllerMetrics {
  /** Calls that nodes make, by the names of their methods. */
  public enum Call {
    /** A token for a node's first certificate. */
    ADMIT,
    /** A node's next certificate. */
    RENEW_NODE,
    /** A certificate of a pod's identity. */
    ISSUE,
    /** A stream of trust bundles. */
    FOLLOW_TRUST_BUNDLE,
    /** A stream of what the node needs. */
    FOLLOW,
    /** A stream of Envoy's discovery protocol. */
    AGGREGATED_DISCOVERY,
    /** Refused before its method was known to be one of these. */
    OTHER;

    private String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final double NANOS_PER_SECOND = 1e9;

  private final CollectorRegistry registry = new CollectorRegistry();

  private final Counter served =
      Counter.build("sluice_control_calls", "Calls of nodes that were served.")
          .labelNames("call")
          .register(registry);

  private final Counter refused =
      Counter.build(
              "sluice_control_refusals",
              "Calls of nodes that were refused; docs/identity.md says what each reason asks for.")
          .labelNames("call", "reason")
          .register(registry);

  private final Histogram signing =
      Histogram.build(
              "sluice_control_signing_seconds",
              "From a request to its certificate, with journal and outside authority.")
          .buckets(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
          .register(registry);

  private final Gauge generation =
      Gauge.build(
              "sluice_control_trust_bundle_generation",
              "Generation of the trust bundle that is handed out.")
          .register(registry);

  private final Gauge condition =
      Gauge.build(
              "sluice_control_authority_condition",
              "1 for the authority's condition: ready, degraded (act soon) or unavailable.")
          .labelNames("condition")
          .register(registry);

  private final Gauge connections =
      Gauge.build(
              "sluice_control_connections",
              "Connections to the control port whose handshake is over.")
          .register(registry);

  private final Gauge handshakes =
      Gauge.build(
              "sluice_control_handshakes",
              "Connections to the control port whose handshake is under way.")
          .register(registry);

  private final Gauge strangers =
      Gauge.build(
              "sluice_control_strangers",
              "Connections to the control port that have proven nothing: nodes that join.")
          .register(registry);

  private final Counter connectionsRefused =
      Counter.build(
              "sluice_control_connections_refused",
              "Connections to the control port that were closed, by reason; the log says what to"
                  + " do.")
          .labelNames("reason")
          .register(registry);

  private final Gauge followers =
      Gauge.build("sluice_control_following_nodes", "Nodes that follow the trust bundle now.")
          .register(registry);

  private final Gauge certificateEnd =
      Gauge.build(
              "sluice_control_certificate_end_seconds",
              "Unix time at which the controller's own certificate ends.")
          .register(registry);

  private final OsmMetrics osm = new OsmMetrics(this::following);
  private final DistributionMetrics distribution = new DistributionMetrics(registry, osm);
  private final XdsMetrics xds = new XdsMetrics(registry, osm);
  private final ReplicaMetrics replica = new ReplicaMetrics(registry, osm);

  /** With every series that has a fixed set of labels at 0 from the start. */
  public ControllerMetrics() {
    for (Call call : Call.values()) {
      served.labels(call.label());
    }
    for (AuthorityHealth.Condition each : AuthorityHealth.Condition.values()) {
      condition.labels(each.name().toLowerCase(Locale.ROOT));
    }
    for (ConnectionRefusal each : ConnectionRefusal.values()) {
      connectionsRefused.labels(each.label());
    }
    ProcessMetrics.register(registry);
  }

  private double following() {
    return distribution.streams() + xds.streams();
  }

  /** Those that have names of Open Service Mesh. */
  public OsmMetrics osm() {
    return osm;
  }

  /** Those about what nodes are told. */
  public DistributionMetrics distribution() {
    return distribution;
  }

  /** Those about clients of Envoy's discovery protocol. */
  public XdsMetrics xds() {
    return xds;
  }

  /** Those about what one of several controllers writes. */
  public ReplicaMetrics replica() {
    return replica;
  }

  /**
   * Shows what following a cluster has cost and brought, at every look; once.
   *
   * @param queued how many objects are known to have changed and are not in force yet
   */
  public void watches(List<WatchCounts> kinds, IntSupplier queued) {
    new WatchMetrics(kinds).register(registry);
    osm.watches(kinds, queued);
  }

  /** A call was served. */
  public void served(Call call) {
    served.labels(call.label()).inc();
  }

  /** A call was refused. */
  public void refused(Call call, RefusalReason reason) {
    refused.labels(call.label(), reason.label()).inc();
  }

  /** How often calls were refused, whichever they were, by the label of the reason. */
  public SortedMap<String, Long> refusals() {
    SortedMap<String, Long> counted = new TreeMap<>();
    for (Collector.MetricFamilySamples family : refused.collect()) {
      for (Collector.MetricFamilySamples.Sample sample : family.samples) {
        if (sample.name.endsWith("_total") && sample.value > 0) {
          counted.merge(sample.labelValues.getLast(), (long) sample.value, Long::sum);
        }
      }
    }
    return counted;
  }

  /** A certificate was signed. */
  public void signed(Duration took) {
    signing.observe(took.toNanos() / NANOS_PER_SECOND);
    osm.issued(took.toNanos());
  }

  /** The trust bundle that is handed out. */
  public void trustBundle(long handedOut) {
    generation.set(handedOut);
  }

  /** The authority's condition. */
  public void authority(AuthorityHealth.Condition now) {
    for (AuthorityHealth.Condition each : AuthorityHealth.Condition.values()) {
      condition.labels(each.name().toLowerCase(Locale.ROOT)).set(each == now ? 1 : 0);
    }
  }

  /** Connections whose handshake is under way, of strangers, and of members of the mesh. */
  public void connections(int handshaking, int strange, int members) {
    handshakes.set(handshaking);
    strangers.set(strange);
    connections.set(strange + members);
  }

  /** A connection was closed. */
  public void connectionRefused(ConnectionRefusal reason) {
    connectionsRefused.labels(reason.label()).inc();
  }

  /** Nodes that follow the trust bundle. */
  public void followers(int now) {
    followers.set(now);
  }

  /** When the controller's own certificate ends, in seconds since 1970. */
  public void certificateEnds(long epochSecond) {
    certificateEnd.set(epochSecond);
  }

  /** All of them in the text format of Prometheus 0.0.4. */
  public String text() {
    StringWriter text = new StringWriter();
    try {
      TextFormat.write004(text, registry.metricFamilySamples());
      osm.write(text);
    } catch (IOException e) {
      throw new UncheckedIOException("memory takes every text", e);
    }
    return text.toString();
  }

  /**
   * What of {@link ControllerMetrics} is about following the cluster: read from the registry's
   * counts at each look. One series for each kind that is followed, and for each word of an enum.
   */
  private static final class WatchMetrics extends Collector {
    private static final String RESOURCE = "resource";

    private final List<WatchCounts> kinds;

    WatchMetrics(List<WatchCounts> kinds) {
      this.kinds = List.copyOf(kinds);
    }

    @Override
    public List<MetricFamilySamples> collect() {
      var lists =
          new CounterMetricFamily(
              "sluice_control_watch_lists",
              "Lists of all objects of a kind; more than one in an hour tells of gaps.",
              List.of(RESOURCE));
      var events =
          new CounterMetricFamily(
              "sluice_control_watch_events",
              "Events of watches; bookmarks say how far the server has come.",
              List.of(RESOURCE, "type"));
      var restarts =
          new CounterMetricFamily(
              "sluice_control_watch_restarts",
              "Ends of watches by reason; only ended is usual. gone is the server's 410.",
              List.of(RESOURCE, "reason"));
      var bytes =
          new CounterMetricFamily(
              "sluice_control_watch_received_bytes",
              "Bytes of lists and watches, after TLS.",
              List.of(RESOURCE));
      var objects =
          new GaugeMetricFamily(
              "sluice_control_watch_objects",
              "Objects of a kind that are held.",
              List.of(RESOURCE));
      var silence =
          new GaugeMetricFamily(
              "sluice_control_watch_silence_seconds",
              "Time since the server told anything of a kind; beyond some minutes it may be dead.",
              List.of(RESOURCE));
      for (WatchCounts kind : kinds) {
        List<String> resource = List.of(kind.resource());
        lists.addMetric(resource, kind.lists());
        bytes.addMetric(resource, kind.bytes());
        objects.addMetric(resource, kind.objects());
        silence.addMetric(resource, kind.silentNanos() / NANOS_PER_SECOND);
        kind.events()
            .forEach(
                (type, count) -> events.addMetric(List.of(kind.resource(), label(type)), count));
        kind.restarts()
            .forEach((reason, count) ->
                restarts.addMetric(List.of(kind.resource(), label(reason)), count));
      }
      return new ArrayList<>(List.of(lists, events, restarts, bytes, objects, silence));
    }

    private static String label(Enum<?> word) {
      return word.name().toLowerCase(Locale.ROOT);
    }
  }
}
