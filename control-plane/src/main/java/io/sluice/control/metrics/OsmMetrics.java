package io.sluice.control.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.Gauge;
import io.prometheus.client.GaugeMetricFamily;
import io.prometheus.client.Histogram;
import io.prometheus.client.exporter.common.TextFormat;
import io.sluice.control.kubernetes.WatchCounts;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSettings.Flags;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.Pattern;

/**
 * What alerts made for Open Service Mesh ask for, by its names, types, labels and bounds. Any
 * thread.
 */
public final class OsmMetrics {
  private static final double NANOS_PER_SECOND = 1e9;
  private static final double[] BOUNDS = {.1, .25, .5, 1, 2.5, 5, 10, 20, 40, 90};

  private final CollectorRegistry registry = new CollectorRegistry();
  private final LoggedErrors errors = new LoggedErrors();

  private final Counter reconnects =
      Counter.build(
              "osm_proxy_reconnect_count",
              "Nodes that began to follow this controller, and had followed it before.")
          .register(registry);

  private final Histogram updates =
      Histogram.build(
              "osm_proxy_config_update_time",
              "Seconds from a change that is begun to the answer of the node or xDS client, by"
                  + " whether it could use the change.")
          .labelNames("resource_type", "success")
          .buckets(BOUNDS)
          .register(registry);

  private final Histogram issued =
      Histogram.build(
              "osm_cert_issued_time",
              "Seconds that certificates took to be signed, of pods, nodes, the controller and"
                  + " clients outside the mesh.")
          .buckets(BOUNDS)
          .register(registry);

  private final Counter issuedCount =
      Counter.build("osm_cert_issued_count", "Certificates that were signed.").register(registry);

  private final Counter errorCount =
      Counter.build(
              "osm_error_err_code_count",
              "Warnings and errors that were logged, by event; `sluice support error-info EVENT`"
                  + " says what to do.")
          .labelNames("err_code")
          .register(registry);

  private final Counter reconciliations =
      Counter.build(
              "osm_reconciliation_total",
              "Objects of the controller's own that were not there, or not as they should be, and"
                  + " were written.")
          .labelNames("kind")
          .register(registry);

  OsmMetrics(DoubleSupplier connected) {
    Gauge.build("osm_proxy_connect_count", "Nodes and xDS clients that follow this controller now.")
        .create()
        .setChild(
            new Gauge.Child() {
              @Override
              public double get() {
                return connected.getAsDouble();
              }
            })
        .<Collector>register(registry);
  }

  /** Shows what is so of the mesh at every look; once. */
  public void mesh(Supplier<MeshSnapshot> newest) {
    new MeshCollector(newest).register(registry);
  }

  /** Shows what the cluster has told at every look; once. */
  void watches(List<WatchCounts> kinds, IntSupplier queued) {
    new WatchCollector(kinds, queued).register(registry);
  }

  /** Counts what is logged from now on until {@link #close}. */
  public void countErrors() {
    LoggedErrors.MESH.addHandler(errors);
  }

  /** A node came again. */
  void reconnected() {
    reconnects.inc();
  }

  /** A node or a client has answered to a change. */
  void updated(String type, boolean success, long nanos) {
    updates.labels(type, Boolean.toString(success)).observe(nanos / NANOS_PER_SECOND);
  }

  /** A certificate was signed. */
  void issued(long nanos) {
    issuedCount.inc();
    issued.observe(nanos / NANOS_PER_SECOND);
  }

  /** An object was written as it should be. */
  void reconciled(String kind) {
    reconciliations.labels(kind).inc();
  }

  /** In the text format of Prometheus 0.0.4. */
  void write(Writer out) throws IOException {
    StringWriter text = new StringWriter();
    TextFormat.write004(text, registry.metricFamilySamples());
    // The library ends every counter's name in _total. These are older than that rule.
    out.write(text.toString().replace("_count_total", "_count"));
  }

  /** Counts no more. */
  public void close() {
    LoggedErrors.MESH.removeHandler(errors);
  }

  private static final class MeshCollector extends Collector {
    private final Supplier<MeshSnapshot> newest;

    MeshCollector(Supplier<MeshSnapshot> newest) {
      this.newest = newest;
    }

    @Override
    public List<MetricFamilySamples> collect() {
      MeshSnapshot mesh = newest.get();
      var flags =
          new GaugeMetricFamily(
              "osm_feature_flag_enabled",
              "1 for a feature flag of the MeshConfig that is on, else 0.",
              List.of("feature_flag"));
      Flags said = mesh.settings().flagsOrNull();
      if (said != null) {
        said.features().forEach((name, on) -> flags.addMetric(List.of(name), on ? 1 : 0));
      }
      var namespaces =
          new GaugeMetricFamily(
              "osm_resource_namespace_count",
              "Namespaces with pods in the mesh, or whose pods would be.",
              mesh.all(Kind.NAMESPACE).stream()
                  .filter(each -> each.membership() != NamespaceMembership.OUTSIDE)
                  .count());
      return List.of(flags, namespaces);
    }
  }

  private static final class WatchCollector extends Collector {
    private final List<WatchCounts> kinds;
    private final IntSupplier queued;

    WatchCollector(List<WatchCounts> kinds, IntSupplier queued) {
      this.kinds = kinds;
      this.queued = queued;
    }

    @Override
    public List<MetricFamilySamples> collect() {
      Map<WatchCounts.Told, Long> told = new TreeMap<>();
      kinds.forEach(
          kind -> kind.told().forEach((what, count) -> told.merge(what, count, Long::sum)));
      var events =
          new CounterMetricFamily(
              "osm_k8s_api_event_count",
              "Objects of the cluster that the API server told of, by what was with them. Of each"
                  + " kind 100 namespaces: those of which something was told last.",
              List.of("type", "namespace"));
      told.forEach(
          (what, count) -> events.addMetric(List.of(what.type(), what.namespace()), count));
      var waiting =
          new GaugeMetricFamily(
              "osm_events_queued",
              "Objects that the API server told of and that are not in force yet.",
              queued.getAsInt());
      return List.of(events, waiting);
    }
  }

  /** Each line of the log begins with its event, of which there is a fixed number. */
  private final class LoggedErrors extends Handler {
    // Held here: java.util.logging forgets the handlers of a logger that nobody has.
    static final Logger MESH = Logger.getLogger("io.sluice");

    private static final Pattern EVENT = Pattern.compile("[a-z]+(?:_[a-z0-9]+)+(?= |$)");
    private static final int MOST_EVENTS = 500;

    private final Set<String> known = ConcurrentHashMap.newKeySet();

    LoggedErrors() {
      setLevel(Level.WARNING);
    }

    @Override
    public void publish(LogRecord line) {
      var event = EVENT.matcher(String.valueOf(line.getMessage()));
      if (isLoggable(line)
          && event.lookingAt()
          && (known.size() < MOST_EVENTS || known.contains(event.group()))) {
        known.add(event.group());
        errorCount.labels(event.group()).inc();
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
