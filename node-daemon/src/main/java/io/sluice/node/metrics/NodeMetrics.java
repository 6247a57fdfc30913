package io.sluice.node.metrics;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.prometheus.client.Collector;
import io.prometheus.client.Collector.MetricFamilySamples;
import io.prometheus.client.Collector.MetricFamilySamples.Sample;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.CounterMetricFamily;
import io.prometheus.client.Gauge;
import io.prometheus.client.GaugeMetricFamily;
import io.prometheus.client.exporter.common.TextFormat;
import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.interception.Interception;
import io.sluice.interception.maps.FastCountsValue;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.cni.CallListener;
import io.sluice.node.cni.CniService;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.distribution.FollowStatus;
import io.sluice.node.distribution.FollowStatus.FollowTraffic;
import io.sluice.node.enrolment.EarlierConnection.EarlierAction;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.events.AccessLog;
import io.sluice.node.events.AccessLogs;
import io.sluice.node.export.Budget;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.metrics.InterceptionCollector.RefusalCollector;
import io.sluice.node.store.StoreFault;
import io.sluice.node.store.StoreStatus;
import io.sluice.node.store.StoredFirst;
import io.sluice.node.tracing.Spans;
import io.sluice.process.ProcessMetrics;
import io.sluice.process.SiteClock;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.ProxyStats;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.Retried;
import io.sluice.proxy.accept.Proxy;
import java.io.IOException;
import java.io.StringWriter;
import java.io.Writer;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Every metric of the node daemon. Recording is safe from any thread. */
public final class NodeMetrics {
  private final CollectorRegistry registry = new CollectorRegistry();
  private final Supplier<MeshSnapshot> snapshot;
  private final TcpMetrics tcp;
  private final RequestMetrics requests;
  private final TrafficLabels.Ends ends = new TrafficLabels.Ends(); // of who says what is kept
  private final Counter earlierConnections =
      Counter.build(
              "sluice_enrolment_earlier_connections",
              "Connections older than their pod's enrolment, by what became of them: graced ones"
                  + " are counted again as destroyed; kept and failed ones live on unprotected.")
          .labelNames("action")
          .create();
  private final Counter namespaceConflicts =
      Counter.build(
              "sluice_enrolment_namespace_conflicts",
              "Pods that were found in a network namespace that another pod holds: they are not"
                  + " enrolled, and `node pods` names both.")
          .create();
  private final HboneMetrics hbone;
  private final RefusalCollector refusals = new RefusalCollector();
  private final RetryCollector retries = new RetryCollector();

  /** Registers what needs no other part of the daemon. */
  public NodeMetrics(Supplier<MeshSnapshot> snapshot) {
    this.snapshot = snapshot;
    this.tcp = new TcpMetrics(registry, snapshot);
    this.requests = new RequestMetrics(registry, snapshot);
    this.hbone = new HboneMetrics(registry);
    refusals.register(registry);
    retries.register(registry);
    for (EarlierAction action : EarlierAction.values()) {
      earlierConnections.labels(action.label()); // 0 from the start
    }
    earlierConnections.register(registry);
    namespaceConflicts.register(registry);
    gauge(
        "sluice_node_snapshot_revision",
        "Revision of the snapshot in force.",
        () -> snapshot.get().revision());
    ProcessMetrics.register(registry);
  }

  /** Adds what the hooks count and how the pods stand. */
  public void observe(Interception interception, Enrolment enrolment, PinDirectory pins) {
    new InterceptionCollector(interception, enrolment, pins).register(registry);
    new DatagramCollector(interception::datagrams, enrolment::nameOf, snapshot).register(registry);
  }

  /** Adds what the proxy holds. */
  public void observe(Proxy proxy) {
    new UseCollector(proxy::stats).register(registry);
    new InquiryCollector(proxy::stats, snapshot).register(registry);
    gauge("sluice_proxy_connections", "Connections open now.", () -> proxy.stats().live());
    gauge(
        "sluice_proxy_buffered_bytes",
        "Bytes that wait for slow readers now.",
        () -> proxy.stats().bufferedBytes());
    gauge(
        "sluice_proxy_delayed_requests",
        "Requests that FaultInjections hold back now.",
        () -> proxy.stats().pods().values().stream().mapToInt(ProxyStats.PodStats::delayed).sum());
    gauge(
        "sluice_proxy_connections_limit",
        "Connections that there may be, by the direct memory of the daemon; above it new ones are"
            + " refused.",
        () -> proxy.stats().maxLive());
    gauge(
        "sluice_proxy_buffered_bytes_limit",
        "Bytes that may wait for slow readers, by the direct memory of the daemon; above it reads"
            + " become small and credit is withheld.",
        () -> proxy.stats().maxBufferedBytes());
    gauge(
        "sluice_hbone_handshakes_under_way",
        "Connections from proxies of other nodes that have not proven themselves yet; above its"
            + " places the oldest gives way.",
        () -> proxy.stats().handshakes());
    gauge(
        "sluice_proxy_endpoints_checked",
        "Endpoints that are asked whether they are well, as pods of the node call them.",
        () -> proxy.stats().checks().endpoints());
    gauge(
        "sluice_proxy_endpoints_out",
        "Those of them that get no calls, as they have not been well.",
        () -> proxy.stats().checks().out());
    gauge(
        "sluice_proxy_endpoints_ejected",
        "Endpoints of Services that get no calls for a while, as they have failed in a row.",
        () -> proxy.stats().ejections().now());
    gauge(
        "sluice_proxy_endpoints_warming",
        "Endpoints of Services that get less than their share of calls, as they are new.",
        () -> proxy.stats().warming());
    gauge(
        "sluice_proxy_loops",
        "Connections closed because the proxy had been led to itself.",
        () -> proxy.stats().loops());
  }

  /** What is counted of connections with mutual TLS. */
  public HboneMetrics hbone() {
    return hbone;
  }

  /** Adds how many access records were dropped. */
  public void observe(AccessLog log) {
    gauge(
        "sluice_access_log_dropped_records",
        "Access records dropped because the log could not be written fast enough.",
        log::dropped);
  }

  /** Adds what became of lines of the access log that collectors are sent, and all pods' one. */
  public void observe(AccessLogs logs) {
    new ExportCollector(
            () ->
                new CounterMetricFamily(
                    "sluice_access_log_exports_total",
                    "Lines of the access log for collectors, by what became of them: taken by the"
                        + " collector, rejected by it, left without an answer, dropped as more"
                        + " waited than may, or over the budget.",
                    List.of("outcome")),
            () ->
                new GaugeMetricFamily(
                    "sluice_access_log_exports_waiting",
                    "Lines of the access log that wait for collectors now.",
                    List.of()),
            () -> logs.areSent() || logs.counts().now().waiting() > 0,
            logs.counts())
        .register(registry);
    new ExportCollector(
            () ->
                new CounterMetricFamily(
                    "sluice_remote_log_lines_total",
                    "Lines of all pods for the MeshConfig's collector, by what became of them: taken"
                        + " by it, rejected by it, left without an answer, dropped as more waited"
                        + " than may, or over the budget.",
                    List.of("outcome")),
            () ->
                new GaugeMetricFamily(
                    "sluice_remote_log_lines_waiting",
                    "Lines of all pods that wait for the MeshConfig's collector now.",
                    List.of()),
            () -> logs.isRemote() || logs.remoteCounts().now().waiting() > 0,
            logs.remoteCounts())
        .register(registry);
  }

  /** Adds what collectors are sent altogether. */
  public void observe(Budget budget) {
    new BudgetCollector(budget).register(registry);
  }

  /** Adds what became of spans. */
  public void observe(Spans spans) {
    new ExportCollector(
            () ->
                new CounterMetricFamily(
                    "sluice_tracing_spans_total",
                    "Spans of requests, by what became of them: taken by the collector, rejected by"
                        + " it, left without an answer, dropped as more waited than may, or over the"
                        + " budget.",
                    List.of("outcome")),
            () ->
                new GaugeMetricFamily(
                    "sluice_tracing_spans_waiting",
                    "Spans that wait for the collector now.",
                    List.of()),
            spans::isOn,
            spans.counts())
        .register(registry);
  }

  /** Adds the calls of the CNI client, which the result counts; once. */
  public CallListener cniCalls() {
    return new CniMetrics(registry);
  }

  /** Adds how the CNI plugin stands. */
  public void observe(CniService cni) {
    gauge("sluice_cni_sandboxes", "Sandboxes of enrolled pods that are attached.", cni::sandboxes);
    gauge(
        "sluice_cni_chained",
        "1 while the runtime's first network configuration is ours and up to date, else 0; `node"
            + " cni status` tells why.",
        () -> cni.isChained() ? 1 : 0);
  }

  /** Adds whether the wall clock is believed. */
  public void observe(SiteClock clock) {
    gauge(
        "sluice_clock_trusted",
        "1 while the wall clock is believed, 0 while certificates are judged by the floor; `node"
            + " status` tells why.",
        () -> clock.doubt().isEmpty() ? 1 : 0);
    gauge(
        "sluice_clock_difference_seconds",
        "By how much the wall clock is ahead of the time that certificates are judged by.",
        () -> clock.difference().toSeconds());
  }

  /** Adds how certificates stand. */
  public void observe(NodeIdentities identities) {
    new IdentityCollector(identities).register(registry);
  }

  /** Adds how old the snapshot in force is, of a node that follows a controller. */
  public void observe(StoredFirst source) {
    new SnapshotCollector(source).register(registry);
  }

  /** Adds how the controller is followed; {@code inForce} is the snapshot of the data plane. */
  public void observe(ControllerSnapshots source, Supplier<MeshSnapshot> inForce) {
    new DistributionCollector(source, inForce).register(registry);
  }

  private void gauge(String name, String help, Supplier<Number> value) {
    Gauge.build(name, help)
        .create()
        .setChild(
            new Gauge.Child() {
              @Override
              public double get() {
                return value.get().doubleValue();
              }
            })
        .register(registry);
  }

  /** A connection's upstream has answered. */
  public void opened(ConnectionInfo info) {
    tcp.opened(info);
  }

  /** So much more has come of connections that the kernel leads; one thread at a time. */
  public void counted(ConnectionInfo info, FastCountsValue more) {
    tcp.counted(info, more);
  }

  /** Bytes moved. */
  public void bytes(ConnectionInfo info, long fromClient, long toClient) {
    tcp.bytes(info, fromClient, toClient);
  }

  /** An opened connection has ended. */
  public void closed(AccessRecord record) {
    tcp.closed(record);
  }

  /** A connection was reset before its upstream answered. */
  public void refused(AccessRecord record) {
    refusals.connection(
        record.info(),
        record.verdict().isAllowed() ? record.closeReason() : record.verdict().reason());
  }

  /** An exchange has ended. */
  public void request(RequestRecord record) {
    requests.ended(record);
  }

  /** An exchange has ended with a response of the proxy's own. */
  public void refusedRequest(ConnectionInfo info, Reason reason) {
    refusals.request(info, reason);
  }

  /** An exchange was tried more than once, or was to be. */
  public void retried(ConnectionInfo info, List<Retried> events) {
    retries.count(info, events);
  }

  /** What the proxy has refused of a pod's, and what became of further tries, by name. */
  public Map<String, Long> countsOf(NamespacedName pod) {
    Map<String, Long> counts = new TreeMap<>();
    refusals.tell(pod, (name, count) -> counts.merge(name, count, Long::sum));
    retries.tell(pod, (name, count) -> counts.merge(name, count, Long::sum));
    return counts;
  }

  /** What has come of requests and connections, by their ends, and of requests by route. */
  public void tell(Consumer<ObjectNode> out) {
    requests.tell(out);
    tcp.tell(out);
    refusals.tell(snapshot.get(), out);
  }

  /** What came of requests of late by pods, from the first call on; that one tells nothing. */
  public List<PodTraffic> podTraffic() {
    return requests.podTraffic();
  }

  /** Nobody will ask for {@link #podTraffic} any more. */
  public void forgetPodTraffic() {
    requests.forgetPodTraffic();
  }

  /** An action was taken on so many connections that are older than their pod's enrolment. */
  public void earlierConnections(EarlierAction action, int count) {
    earlierConnections.labels(action.label()).inc(count);
  }

  /** A pod was found in a network namespace that another one holds. */
  public void namespaceConflict() {
    namespaceConflicts.inc();
  }

  /** Ends the series of pods, workloads and services that have left the mesh. */
  public void keepOnly(MeshSnapshot current) {
    refusals.keepOnly(pod -> current.workload(pod).isPresent());
    hbone.keepOnly(pod -> current.workload(pod).isPresent());
    retries.keepOnly(current);
    ends.follow(current);
    tcp.keepOnly(ends);
    requests.keepOnly(ends);
  }

  /** What {@link #tell} has by ends alone, of namespaces that are measured: for pages. */
  public void tellOfEnds(Consumer<ObjectNode> out) {
    Set<String> hidden = HiddenNamespaces.of(snapshot.get()).names();
    Consumer<ObjectNode> shown =
        each -> {
          String namespace = each.path("workload").asText().split("/", 2)[0];
          if (each.path("route").asText().isEmpty() && !hidden.contains(namespace)) {
            out.accept(each);
          }
        };
    requests.tell(shown);
    tcp.tell(shown);
  }

  /** Everything in Prometheus' text format 0.0.4, a family at a time. */
  public void writeTo(Writer out) throws IOException {
    TextFormat.write004(
        out, HiddenNamespaces.of(snapshot.get()).without(registry.metricFamilySamples()));
  }

  /** The same at once. */
  public String text() {
    StringWriter out = new StringWriter(16_384);
    try {
      writeTo(out);
    } catch (IOException e) {
      throw new AssertionError("a StringWriter does not fail", e);
    }
    return out.toString();
  }

  /**
   * Namespaces whose own pods and workloads no series is to name. They are counted on, so that the
   * series come back as they would be.
   */
  record HiddenNamespaces(Set<String> names) {
    private static final String NAMESPACE = "namespace";

    static HiddenNamespaces of(MeshSnapshot snapshot) {
      return new HiddenNamespaces(
          Set.copyOf(snapshot.keys(Kind.WORKLOAD, Kind.UNMEASURED_BY_NAMESPACE)));
    }

    /** What is left of {@code families}, of which one at a time is held. */
    Enumeration<MetricFamilySamples> without(Enumeration<MetricFamilySamples> families) {
      if (names.isEmpty()) {
        return families;
      }
      return new Enumeration<>() {
        @Override
        public boolean hasMoreElements() {
          return families.hasMoreElements();
        }

        @Override
        public MetricFamilySamples nextElement() {
          return without(families.nextElement());
        }
      };
    }

    private MetricFamilySamples without(MetricFamilySamples family) {
      List<Sample> shown =
          family.samples.stream().filter(each -> !names.contains(of(each))).toList();
      return new MetricFamilySamples(family.name, family.unit, family.type, family.help, shown);
    }

    /** The namespace of the pod that a sample is about; of two ends, of the one that counted. */
    private static String of(Sample sample) {
      int reporter = sample.labelNames.indexOf("reporter");
      if (reporter >= 0) {
        return value(sample, sample.labelValues.get(reporter) + "_workload_namespace");
      }
      return sample.labelNames.contains("pod") ? value(sample, NAMESPACE) : "";
    }

    private static String value(Sample sample, String label) {
      int at = sample.labelNames.indexOf(label);
      return at < 0 ? "" : sample.labelValues.get(at);
    }
  }

  /** Reads, when it is scraped, how this node follows its controller. */
  static final class DistributionCollector extends Collector {
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

  /** Reads, when it is scraped, how old the snapshot in force is and how its store stands. */
  static final class SnapshotCollector extends Collector {
    private static final double MILLIS_PER_SECOND = 1_000;

    private final StoredFirst source;

    SnapshotCollector(StoredFirst source) {
      this.source = source;
    }

    @Override
    public List<MetricFamilySamples> collect() {
      GaugeMetricFamily age =
          new GaugeMetricFamily(
              "sluice_snapshot_age_seconds",
              "Time since the controller last confirmed the snapshot in force; absent before there"
                  + " is one.",
              List.of());
      source.age().ifPresent(time -> age.addMetric(List.of(), time.toMillis() / MILLIS_PER_SECOND));
      StoreStatus store = source.storeStatus();
      CounterMetricFamily faults =
          new CounterMetricFamily(
              "sluice_snapshot_store_faults_total",
              "Snapshots on the disk that could not be used, or written; `node status` tells"
                  + " which.",
              List.of("fault"));
      for (StoreFault fault : StoreFault.values()) {
        faults.addMetric(
            List.of(fault.label()), (double) store.faults().getOrDefault(fault, 0L).longValue());
      }
      return List.of(
          age,
          new GaugeMetricFamily(
              "sluice_snapshot_stored",
              "1 while the snapshot in force is the one from the disk, which no controller has"
                  + " confirmed yet, else 0.",
              source.isStored() ? 1 : 0),
          faults);
    }
  }
}
