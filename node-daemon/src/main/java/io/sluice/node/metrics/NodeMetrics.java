package io.sluice.node.metrics;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.Gauge;
import io.prometheus.client.exporter.common.TextFormat;
import io.prometheus.client.hotspot.DefaultExports;
import io.sluice.interception.Interception;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.cni.CallListener;
import io.sluice.node.cni.CniService;
import io.sluice.node.distribution.ControllerSnapshots;
import io.sluice.node.enrolment.EarlierAction;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.events.AccessLog;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.node.store.StoredFirst;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.accept.Proxy;
import java.io.IOException;
import java.io.StringWriter;
import java.util.function.Supplier;

/** Every metric of the node daemon. Recording is safe from any thread. */
public final class NodeMetrics {
  private final CollectorRegistry registry = new CollectorRegistry();
  private final Supplier<MeshSnapshot> snapshot;
  private final TcpMetrics tcp;
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

  /** Registers what needs no other part of the daemon. */
  public NodeMetrics(Supplier<MeshSnapshot> snapshot) {
    this.snapshot = snapshot;
    this.tcp = new TcpMetrics(registry, snapshot);
    this.hbone = new HboneMetrics(registry);
    refusals.register(registry);
    for (EarlierAction action : EarlierAction.values()) {
      earlierConnections.labels(action.label()); // 0 from the start
    }
    earlierConnections.register(registry);
    namespaceConflicts.register(registry);
    gauge(
        "sluice_node_snapshot_revision",
        "Revision of the snapshot in force.",
        () -> snapshot.get().revision());
    DefaultExports.register(registry);
  }

  /** Adds what the hooks count and how the pods stand. */
  public void observe(Interception interception, Enrolment enrolment, PinDirectory pins) {
    new InterceptionCollector(interception, enrolment, pins).register(registry);
  }

  /** Adds what the proxy holds. */
  public void observe(Proxy proxy) {
    gauge("sluice_proxy_connections", "Connections open now.", () -> proxy.stats().live());
    gauge(
        "sluice_proxy_buffered_bytes",
        "Bytes that wait for slow readers now.",
        () -> proxy.stats().bufferedBytes());
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
    refusals.count(record);
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
    tcp.keepOnly(current);
  }

  /** Everything in Prometheus' text format 0.0.4. */
  public String text() {
    StringWriter out = new StringWriter(16_384);
    try {
      TextFormat.write004(
          out, HiddenNamespaces.of(snapshot.get()).without(registry.metricFamilySamples()));
    } catch (IOException e) {
      throw new AssertionError("a StringWriter does not fail", e);
    }
    return out.toString();
  }
}
