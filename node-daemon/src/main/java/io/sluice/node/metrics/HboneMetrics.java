package io.sluice.node.metrics;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.Gauge;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.hbone.ConnectionEnd;
import io.sluice.proxy.hbone.HboneEvents.Side;
import io.sluice.proxy.tls.TlsReason;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;

/** What is counted of connections with mutual TLS. Recording is safe from any thread. */
public final class HboneMetrics {
  private static final String SUCCESS = "success";
  private static final String FAILURE = "failure";
  private static final String NO_REASON = "none";

  private final Counter handshakes =
      Counter.build(
              "sluice_tls_handshakes",
              "TLS handshakes with proxies of other nodes, by our side of the connection; reason"
                  + " says why there was none.")
          .labelNames("side", "result", "reason")
          .create();
  private final Gauge open =
      Gauge.build("sluice_hbone_connections", "HBONE connections open now.")
          .labelNames("side")
          .create();
  private final Counter closed =
      Counter.build("sluice_hbone_connections_closed", "HBONE connections that ended, by why.")
          .labelNames("side", "reason")
          .create();
  private final LongAdder ofAll = new LongAdder();
  private final Map<NamespacedName, LongAdder> ofPods = new ConcurrentHashMap<>();

  HboneMetrics(CollectorRegistry registry) {
    for (Side side : Side.values()) {
      handshakes.labels(side.label(), SUCCESS, NO_REASON); // 0 from the start
      open.labels(side.label());
    }
    handshakes.register(registry);
    open.register(registry);
    closed.register(registry);
  }

  private void count(NamespacedName pod) {
    ofAll.increment();
    ofPods.computeIfAbsent(pod, _ -> new LongAdder()).increment();
  }

  /** Handshakes of all pods, gone ones too. */
  public long handshakes() {
    return ofAll.sum();
  }

  /** Those at whose end {@code pod} was. */
  public long handshakes(NamespacedName pod) {
    LongAdder own = ofPods.get(pod);
    return own == null ? 0 : own.sum();
  }

  void keepOnly(Predicate<NamespacedName> pods) {
    ofPods.keySet().removeIf(pod -> !pods.test(pod));
  }

  /** A handshake at the end of {@code pod} proved the peer. */
  public void opened(NamespacedName pod, Side side) {
    count(pod);
    handshakes.labels(side.label(), SUCCESS, NO_REASON).inc();
    open.labels(side.label()).inc();
  }

  /** A handshake proved nobody. */
  public void handshakeFailed(NamespacedName pod, Side side, TlsReason reason) {
    count(pod);
    handshakes.labels(side.label(), FAILURE, reason.label()).inc();
  }

  /** An opened connection has ended. */
  public void closed(Side side, ConnectionEnd reason) {
    open.labels(side.label()).dec();
    closed.labels(side.label(), reason.label()).inc();
  }
}
