package io.sluice.node.metrics;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.sluice.interception.maps.FastCountsValue;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The standard {@code istio_tcp_*} metrics, so that existing dashboards work. A series lives while
 * one of its connections is open, whatever has become of its ends.
 */
final class TcpMetrics {
  /** See {@link EndSeries}. */
  static final int MAX_LABEL_SETS = 2_000;

  private static final String NO_FLAGS = "-";

  private final Counter opened;
  private final Counter closed;
  private final Counter sent;
  private final Counter received;
  private final Map<Long, Series> live = new ConcurrentHashMap<>();
  private final Map<Long, Led> led = new ConcurrentHashMap<>();
  private final EndSeries<Series> series;

  /** Connections of one id that the kernel leads, some of them open. */
  private record Led(Series series, long open) {}

  /** What connections with the same labels count under. */
  private final class Series extends EndSeries.Series {
    final Counter.Child openedOnes;
    final Counter.Child sentBytes;
    final Counter.Child receivedBytes;
    private final Map<CloseKind, Counter.Child> closedOnes = new ConcurrentHashMap<>(4);

    Series(TrafficLabels labels) {
      super(labels);
      String[] values = with(NO_FLAGS);
      openedOnes = opened.labels(values);
      sentBytes = sent.labels(values);
      receivedBytes = received.labels(values);
    }

    private String[] with(String flags) {
      return labels.with(flags).toArray(String[]::new);
    }

    Counter.Child closedOnes(CloseKind kind) {
      return closedOnes.computeIfAbsent(kind, how -> closed.labels(with(flags(how))));
    }

    void remove() {
      String[] values = with(NO_FLAGS);
      opened.remove(values);
      sent.remove(values);
      received.remove(values);
      for (CloseKind kind : CloseKind.values()) {
        closed.remove(with(flags(kind)));
      }
    }
  }

  TcpMetrics(CollectorRegistry registry, Supplier<MeshSnapshot> snapshot) {
    this.series = new EndSeries<>(snapshot, MAX_LABEL_SETS, Series::new);
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
    return Counter.build(name + "_total", help)
        .labelNames(TrafficLabels.OF_CONNECTIONS.toArray(String[]::new));
  }

  void opened(ConnectionInfo info) {
    Series counted = series.of(info, "tcp");
    live.put(info.id(), counted);
    counted.openedOnes.inc();
  }

  /** Of connections that the kernel leads, many at once; one thread at a time. */
  void counted(ConnectionInfo info, FastCountsValue more) {
    Led before = led.get(info.id());
    Series counted = before == null ? series.of(info, "tcp") : before.series;
    long ended = more.closed() + more.resetByCaller() + more.resetByCalled();
    long open = (before == null ? 0 : before.open) + more.opened() - ended;
    if (open > 0) {
      led.put(info.id(), new Led(counted, open));
    } else {
      led.remove(info.id());
    }
    counted.openedOnes.inc((double) more.opened());
    counted.receivedBytes.inc((double) more.sent());
    counted.sentBytes.inc((double) more.received());
    closed(counted, CloseKind.FIN, more.closed());
    closed(counted, CloseKind.RESET_BY_CLIENT, more.resetByCaller());
    closed(counted, CloseKind.RESET_BY_UPSTREAM, more.resetByCalled());
  }

  private static void closed(Series counted, CloseKind kind, long more) {
    if (more > 0) {
      counted.closedOnes(kind).inc((double) more);
    }
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

  /** What is counted of each set of ends, as {@code sluice stat} has it. */
  void tell(Consumer<ObjectNode> out) {
    for (Series each : series.all()) {
      ObjectNode all =
          each.labels
              .names()
              .put("route", "")
              .put("connections", (long) each.openedOnes.get())
              .put("receivedBytes", (long) each.receivedBytes.get())
              .put("sentBytes", (long) each.sentBytes.get());
      ObjectNode ended = all.putObject("closed");
      each.closedOnes.forEach((how, count) ->
          ended.put(flags(how), ended.path(flags(how)).asLong() + (long) count.get()));
      out.accept(all);
    }
  }

  /** Ends the series whose ends are not there any more. */
  void keepOnly(TrafficLabels.Ends there) {
    Set<Series> inUse = new HashSet<>(live.values());
    led.values().forEach(one -> inUse.add(one.series));
    series.keepOnly(there, inUse).forEach(Series::remove);
  }

  /**
   * Flags of the field: DC downstream, UC upstream termination, SI stream idle, DT drain time, OM
   * overload.
   */
  private static String flags(CloseKind kind) {
    return switch (kind) {
      case FIN, BECAME_HTTP -> NO_FLAGS;
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
}
