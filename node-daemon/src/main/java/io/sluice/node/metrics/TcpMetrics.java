package io.sluice.node.metrics;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * The standard {@code istio_tcp_*} metrics, so that existing dashboards work. Children are looked
 * up once per connection, on its event loop. Series end when a workload or service that they name
 * has left the snapshot and none of their connections is open.
 */
final class TcpMetrics {
  /**
   * Label sets above which further ones share the values {@code other}. Threads that pass it at the
   * same moment may exceed it by one each.
   */
  static final int MAX_LABEL_SETS = 2_000;

  private final Supplier<MeshSnapshot> snapshot;
  private final Counter opened;
  private final Counter closed;
  private final Counter sent;
  private final Counter received;
  private final Map<Long, Live> live = new ConcurrentHashMap<>();
  private final Set<TcpLabels> labelSets = ConcurrentHashMap.newKeySet();
  private final TcpLabels.Ends ends = new TcpLabels.Ends(); // of who says what is kept

  /** What one open connection counts under. */
  private record Live(TcpLabels labels, Counter.Child sent, Counter.Child received) {}

  TcpMetrics(CollectorRegistry registry, Supplier<MeshSnapshot> snapshot) {
    this.snapshot = snapshot;
    this.opened =
        counter("istio_tcp_connections_opened", "TCP connections opened.").register(registry);
    this.closed =
        counter("istio_tcp_connections_closed", "TCP connections closed.").register(registry);
    this.sent =
        counter("istio_tcp_sent_bytes", "Bytes sent as responses to the client.")
            .register(registry);
    this.received =
        counter("istio_tcp_received_bytes", "Bytes received as requests from the client.")
            .register(registry);
  }

  private static Counter.Builder counter(String name, String help) {
    return Counter.build(name + "_total", help).labelNames(TcpLabels.NAMES.toArray(String[]::new));
  }

  void opened(ConnectionInfo info) {
    TcpLabels labels = bounded(TcpLabels.of(info, snapshot.get()));
    String[] values = labels.toArray();
    live.put(info.id(), new Live(labels, sent.labels(values), received.labels(values)));
    opened.labels(values).inc();
  }

  void bytes(ConnectionInfo info, long fromClient, long toClient) {
    Live connection = live.get(info.id());
    if (connection != null) {
      connection.received.inc((double) fromClient);
      connection.sent.inc((double) toClient);
    }
  }

  void closed(AccessRecord record) {
    Live connection = live.remove(record.info().id());
    if (connection != null) {
      closed.labels(connection.labels.withFlags(flags(record.closeKind())).toArray()).inc();
    }
  }

  /** Ends the series whose ends are not in {@code current} any more. */
  void keepOnly(MeshSnapshot current) {
    ends.follow(current);
    Set<TcpLabels> inUse = new HashSet<>();
    live.values().forEach(connection -> inUse.add(connection.labels));
    List<TcpLabels> ended =
        labelSets.stream()
            .filter(labels -> !ends.include(labels) && !inUse.contains(labels))
            .toList();
    ended.forEach(this::end);
    ended.forEach(labelSets::remove);
  }

  private void end(TcpLabels labels) {
    String[] values = labels.toArray();
    opened.remove(values);
    sent.remove(values);
    received.remove(values);
    for (CloseKind kind : CloseKind.values()) {
      closed.remove(labels.withFlags(flags(kind)).toArray());
    }
  }

  /**
   * Flags of the field: DC downstream, UC upstream termination, SI stream idle, DT drain time, OM
   * overload.
   */
  private static String flags(CloseKind kind) {
    return switch (kind) {
      case FIN -> "-";
      case RESET_BY_CLIENT -> "DC";
      case RESET_BY_UPSTREAM -> "UC";
      case IDLE -> "SI";
      case DRAIN -> "DT";
      case CONNECT_FAILURE -> "UF";
      case REFUSED, DENIED, REVOKED -> "UAEX";
      case STALLED -> "OM";
      case ERROR -> "DPE";
    };
  }

  private TcpLabels bounded(TcpLabels labels) {
    if (labelSets.contains(labels)) {
      return labels;
    }
    if (labelSets.size() >= MAX_LABEL_SETS) {
      return TcpLabels.OTHER;
    }
    labelSets.add(labels);
    return labels;
  }
}
