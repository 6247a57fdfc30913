package io.sluice.node.metrics;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Reporter;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The standard {@code istio_tcp_*} metrics, so that existing dashboards work. Children are looked
 * up once per connection, on its event loop.
 */
final class TcpMetrics {
  /** Label sets above which further ones share the values {@code other}. */
  static final int MAX_LABEL_SETS = 2_000;

  private static final String UNKNOWN = "unknown";
  private static final String[] LABELS = {
    "reporter",
    "source_workload",
    "source_workload_namespace",
    "source_principal",
    "source_app",
    "source_version",
    "source_canonical_service",
    "source_canonical_revision",
    "destination_workload",
    "destination_workload_namespace",
    "destination_principal",
    "destination_app",
    "destination_version",
    "destination_canonical_service",
    "destination_canonical_revision",
    "destination_service",
    "destination_service_name",
    "destination_service_namespace",
    "request_protocol",
    "response_flags",
    "connection_security_policy",
  };
  private static final int RESPONSE_FLAGS = Arrays.asList(LABELS).indexOf("response_flags");
  private static final String[] OTHER = new String[LABELS.length];

  static {
    Arrays.fill(OTHER, "other");
  }

  private final Supplier<MeshSnapshot> snapshot;
  private final Counter opened;
  private final Counter closed;
  private final Counter sent;
  private final Counter received;
  private final Map<Long, Live> live = new ConcurrentHashMap<>();
  private final Set<List<String>> labelSets = ConcurrentHashMap.newKeySet();

  /** Children of one connection. */
  private record Live(String[] labels, Counter.Child sent, Counter.Child received) {}

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
    return Counter.build(name + "_total", help).labelNames(LABELS);
  }

  void opened(ConnectionInfo info) {
    String[] labels = bounded(labels(info));
    live.put(info.id(), new Live(labels, sent.labels(labels), received.labels(labels)));
    opened.labels(labels).inc();
  }

  void bytes(ConnectionInfo info, long fromClient, long toClient) {
    Live connection = live.get(info.id());
    if (connection != null) {
      connection.received.inc(fromClient);
      connection.sent.inc(toClient);
    }
  }

  void closed(AccessRecord record) {
    Live connection = live.remove(record.info().id());
    if (connection != null) {
      String[] labels = connection.labels.clone();
      if (labels[RESPONSE_FLAGS].equals("-")) {
        labels[RESPONSE_FLAGS] = flags(record.closeKind());
      }
      closed.labels(labels).inc();
    }
  }

  /** Flags of the field: DC downstream, UC upstream termination, SI stream idle, DT drain time. */
  private static String flags(CloseKind kind) {
    return switch (kind) {
      case FIN -> "-";
      case RESET_BY_CLIENT -> "DC";
      case RESET_BY_UPSTREAM -> "UC";
      case IDLE -> "SI";
      case DRAIN -> "DT";
      case CONNECT_FAILURE -> "UF";
      case REFUSED -> "UAEX";
      case ERROR -> "DPE";
    };
  }

  private String[] bounded(String[] labels) {
    List<String> key = List.of(labels);
    if (labelSets.contains(key)) {
      return labels;
    }
    if (labelSets.size() >= MAX_LABEL_SETS) {
      return OTHER;
    }
    labelSets.add(key);
    return labels;
  }

  private String[] labels(ConnectionInfo info) {
    MeshSnapshot current = snapshot.get();
    Optional<Workload> source = info.source().flatMap(current::workload);
    Optional<Workload> destination =
        info.reporter() == Reporter.DESTINATION
            ? current.workload(info.pod())
            : workloadAt(current, info.upstreamOrNull());
    Optional<NamespacedName> service = info.service();
    String[] labels = new String[LABELS.length];
    int i = 0;
    labels[i++] = info.reporter().label();
    i = workload(labels, i, source);
    i = workload(labels, i, destination);
    labels[i++] = service.flatMap(current::service).map(Service::host).orElse(UNKNOWN);
    labels[i++] = service.map(NamespacedName::name).orElse(UNKNOWN);
    labels[i++] = service.map(NamespacedName::namespace).orElse(UNKNOWN);
    labels[i++] = "tcp";
    labels[i++] = "-";
    labels[i] = info.reporter() == Reporter.DESTINATION ? "none" : UNKNOWN;
    return labels;
  }

  private static Optional<Workload> workloadAt(
      MeshSnapshot snapshot, @Nullable InetSocketAddress address) {
    return address == null ? Optional.empty() : snapshot.workloadAt(address.getAddress());
  }

  /** Workload, namespace, principal, app, version, canonical service and revision. */
  private static int workload(String[] labels, int start, Optional<Workload> workload) {
    int i = start;
    labels[i++] = workload.map(Workload::app).orElse(UNKNOWN);
    labels[i++] = workload.map(w -> w.name().namespace()).orElse(UNKNOWN);
    labels[i++] = workload.map(w -> w.identity().toString()).orElse(UNKNOWN);
    labels[i++] = workload.map(Workload::app).orElse(UNKNOWN);
    labels[i++] = workload.map(Workload::version).orElse(UNKNOWN);
    labels[i++] = workload.map(Workload::app).orElse(UNKNOWN);
    labels[i++] = workload.map(Workload::version).orElse(UNKNOWN);
    return i;
  }
}
