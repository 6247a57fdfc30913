package io.sluice.node.metrics;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Service;
import io.sluice.mesh.SnapshotDifference;
import io.sluice.mesh.SnapshotDifference.Change;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.Reporter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The standard {@code istio_tcp_*} metrics, so that existing dashboards work. Children are looked
 * up once per pair of ends and snapshot. Series end when a workload or service that they name has
 * left the snapshot and none of their connections is open.
 */
final class TcpMetrics {
  /**
   * Label sets above which further ones share the values {@code other}, and pairs of ends whose
   * series are remembered. Threads that pass it at the same moment may exceed it by one each.
   */
  static final int MAX_LABEL_SETS = 2_000;

  private final Supplier<MeshSnapshot> snapshot;
  private final Counter opened;
  private final Counter closed;
  private final Counter sent;
  private final Counter received;
  private final Map<Long, Series> live = new ConcurrentHashMap<>();
  private final Map<TcpLabels, Series> series = new ConcurrentHashMap<>();
  private final TcpLabels.Ends ends = new TcpLabels.Ends(); // of who says what is kept
  private volatile Known known = new Known(MeshSnapshot.EMPTY, Map.of());

  /** What connections with the same labels count under. */
  private final class Series {
    final TcpLabels labels;
    final Counter.Child openedOnes;
    final Counter.Child sentBytes;
    final Counter.Child receivedBytes;
    private final Map<CloseKind, Counter.Child> closedOnes = new ConcurrentHashMap<>(4);
    volatile boolean ended;

    Series(TcpLabels labels) {
      this.labels = labels;
      String[] values = labels.toArray();
      openedOnes = opened.labels(values);
      sentBytes = sent.labels(values);
      receivedBytes = received.labels(values);
    }

    Counter.Child closedOnes(CloseKind kind) {
      return closedOnes.computeIfAbsent(
          kind, how -> closed.labels(labels.withFlags(flags(how)).toArray()));
    }
  }

  /** All that the labels of a connection follow from, by one snapshot. */
  private record Pair(
      Reporter reporter,
      @Nullable NamespacedName source,
      @Nullable SpiffeId sourceIdentity,
      NamespacedName pod,
      @Nullable InetAddress upstream,
      @Nullable SpiffeId destinationIdentity,
      @Nullable NamespacedName service,
      boolean mutualTls) {
    static Pair of(ConnectionInfo info) {
      InetSocketAddress upstream = info.upstreamOrNull();
      return new Pair(
          info.reporter(),
          info.sourceOrNull(),
          info.sourceIdentityOrNull(),
          info.pod(),
          upstream == null ? null : upstream.getAddress(),
          info.destinationIdentityOrNull(),
          info.serviceOrNull(),
          info.mutualTls());
    }
  }

  private record Known(MeshSnapshot snapshot, Map<Pair, Series> pairs) {}

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
    Series counted = series(info);
    live.put(info.id(), counted);
    counted.openedOnes.inc();
  }

  private Series series(ConnectionInfo info) {
    MeshSnapshot now = snapshot.get();
    Known before = known;
    if (before.snapshot != now) {
      before = new Known(now, new ConcurrentHashMap<>());
      known = before;
    }
    Pair pair = Pair.of(info);
    Series found = before.pairs.get(pair);
    if (found == null || found.ended) {
      found = bounded(TcpLabels.of(info, now));
      if (before.pairs.size() < MAX_LABEL_SETS) {
        before.pairs.put(pair, found);
      }
    }
    return found;
  }

  void bytes(ConnectionInfo info, long fromClient, long toClient) {
    Series counted = live.get(info.id());
    if (counted != null) {
      counted.receivedBytes.inc((double) fromClient);
      counted.sentBytes.inc((double) toClient);
    }
  }

  void closed(AccessRecord record) {
    Series counted = live.remove(record.info().id());
    if (counted != null) {
      counted.closedOnes(record.closeKind()).inc();
    }
  }

  /** Ends the series whose ends are not in {@code current} any more. */
  void keepOnly(MeshSnapshot current) {
    ends.follow(current);
    Set<Series> inUse = new HashSet<>(live.values());
    List<Series> over =
        series.values().stream()
            .filter(one -> one.labels != TcpLabels.OTHER)
            .filter(one -> !ends.include(one.labels) && !inUse.contains(one))
            .toList();
    over.forEach(this::end);
  }

  private void end(Series over) {
    series.remove(over.labels);
    over.ended = true;
    String[] values = over.labels.toArray();
    opened.remove(values);
    sent.remove(values);
    received.remove(values);
    for (CloseKind kind : CloseKind.values()) {
      closed.remove(over.labels.withFlags(flags(kind)).toArray());
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

  private Series bounded(TcpLabels labels) {
    Series found = series.get(labels);
    if (found == null) {
      boolean full = series.size() >= MAX_LABEL_SETS;
      found = series.computeIfAbsent(full ? TcpLabels.OTHER : labels, Series::new);
    }
    return found;
  }

  /**
   * Values of the labels of the {@code istio_tcp_*} metrics.
   *
   * @param values in the order of {@link #NAMES}
   */
  record TcpLabels(List<String> values) {
    static final List<String> NAMES =
        List.of(
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
            "connection_security_policy");

    /** What every label says once there are too many sets. */
    static final TcpLabels OTHER = new TcpLabels(Collections.nCopies(NAMES.size(), "other"));

    private static final String UNKNOWN = "unknown";
    private static final String NO_FLAGS = "-";
    private static final int SOURCE = NAMES.indexOf("source_workload");
    private static final int DESTINATION = NAMES.indexOf("destination_workload");
    private static final int PRINCIPAL = NAMES.indexOf("source_principal") - SOURCE;
    private static final int SERVICE = NAMES.indexOf("destination_service");
    private static final int PROTOCOL = NAMES.indexOf("request_protocol");
    private static final int FLAGS = NAMES.indexOf("response_flags");

    TcpLabels {
      values = List.copyOf(values);
    }

    /** Labels of a connection, by what {@code snapshot} knows of its ends. */
    static TcpLabels of(ConnectionInfo info, MeshSnapshot snapshot) {
      boolean atDestination = info.reporter() == Reporter.DESTINATION;
      Optional<Workload> destination =
          atDestination
              ? snapshot.workload(info.pod())
              : workloadAt(snapshot, info.upstreamOrNull());
      List<String> values = new ArrayList<>(NAMES.size());
      values.add(info.reporter().label());
      values.addAll(
          workload(info.source().flatMap(snapshot::workload), info.sourceIdentityOrNull()));
      values.addAll(workload(destination, info.destinationIdentityOrNull()));
      values.addAll(service(info.service(), snapshot));
      values.add("tcp");
      values.add(NO_FLAGS);
      values.add(info.securityPolicy());
      return new TcpLabels(values);
    }

    private static Optional<Workload> workloadAt(
        MeshSnapshot snapshot, @Nullable InetSocketAddress address) {
      return address == null ? Optional.empty() : snapshot.workloadAt(address.getAddress());
    }

    /**
     * Workload, namespace, principal, app, version, canonical service and revision. The principal
     * of a certificate is told also where the snapshot does not know which workload has it.
     */
    private static List<String> workload(Optional<Workload> known, @Nullable SpiffeId identity) {
      return known
          .map(workload ->
              List.of(
                  workload.app(),
                  workload.name().namespace(),
                  workload.identity().toString(),
                  workload.app(),
                  workload.version(),
                  workload.app(),
                  workload.version()))
          .orElseGet(() -> unknownWorkload(identity));
    }

    private static List<String> unknownWorkload(@Nullable SpiffeId identity) {
      List<String> values = new ArrayList<>(Collections.nCopies(DESTINATION - SOURCE, UNKNOWN));
      if (identity != null) {
        values.set(PRINCIPAL, identity.toString());
      }
      return values;
    }

    private static List<String> service(Optional<NamespacedName> called, MeshSnapshot snapshot) {
      return called
          .map(name ->
              List.of(
                  snapshot.service(name).map(Service::host).orElse(UNKNOWN),
                  name.name(),
                  name.namespace()))
          .orElseGet(() -> Collections.nCopies(PROTOCOL - SERVICE, UNKNOWN));
    }

    /** The same with these response flags; sets that stand for others keep what they have. */
    TcpLabels withFlags(String flags) {
      if (!values.get(FLAGS).equals(NO_FLAGS)) {
        return this;
      }
      List<String> changed = new ArrayList<>(values);
      changed.set(FLAGS, flags);
      return new TcpLabels(changed);
    }

    String[] toArray() {
      return values.toArray(String[]::new);
    }

    /**
     * Every end that a snapshot knows, or lets in from another mesh, as the labels name it, and how
     * many objects make it known. One thread at a time.
     */
    static final class Ends {
      private final Map<List<String>, Integer> workloads = new HashMap<>();
      private MeshSnapshot known = MeshSnapshot.EMPTY;

      /** Goes on to {@code next}; costs what differs. */
      void follow(MeshSnapshot next) {
        SnapshotDifference difference = next.since(known);
        known = next;
        for (Change<Workload> change : difference.of(Kind.WORKLOAD)) {
          change.before().ifPresent(pod -> namesOf(pod).forEach(name -> count(name, -1)));
          change.after().ifPresent(pod -> namesOf(pod).forEach(name -> count(name, 1)));
        }
        for (Change<Permission> change : difference.of(Kind.PERMISSION)) {
          change
              .before()
              .ifPresent(
                  was -> was.foreignSources().forEach(one -> count(unknownWorkload(one), -1)));
          change
              .after()
              .ifPresent(is -> is.foreignSources().forEach(one -> count(unknownWorkload(one), 1)));
        }
      }

      private static List<List<String>> namesOf(Workload pod) {
        return List.of(workload(Optional.of(pod), pod.identity()), unknownWorkload(pod.identity()));
      }

      private void count(List<String> name, int more) {
        workloads.merge(name, more, (was, by) -> was + by == 0 ? null : was + by);
      }

      /** Whether both ends and the service of {@code labels} still exist. */
      boolean include(TcpLabels labels) {
        return hasWorkload(labels.values.subList(SOURCE, DESTINATION))
            && hasWorkload(labels.values.subList(DESTINATION, SERVICE))
            && hasService(labels.values.subList(SERVICE, PROTOCOL));
      }

      private boolean hasWorkload(List<String> name) {
        return workloads.containsKey(name) || name.equals(unknownWorkload(null));
      }

      private boolean hasService(List<String> name) {
        return name.equals(service(Optional.empty(), known))
            || known
                .get(Kind.SERVICE, name.get(2) + "/" + name.get(1))
                .filter(one -> one.host().equals(name.getFirst()))
                .isPresent();
      }
    }
  }
}
