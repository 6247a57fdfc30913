package io.sluice.node;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.metrics.HboneMetrics;
import io.sluice.proxy.hbone.ConnectionEnd;
import io.sluice.proxy.hbone.HboneEvents;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Hands what happens to connections with mutual TLS to metrics and events, and tells of refused
 * handshakes in the log: a line a second at most, with the number of those left out.
 */
final class HboneReporter implements HboneEvents {
  private static final System.Logger LOG = System.getLogger(HboneReporter.class.getName());

  private final HboneMetrics metrics;
  private final EventLog events;
  private final LineEachSecond lines = new LineEachSecond();

  HboneReporter(HboneMetrics metrics, EventLog events) {
    this.metrics = metrics;
    this.events = events;
  }

  @Override
  public void opened(NamespacedName pod, Side side, InetSocketAddress remote, VerifiedPeer peer) {
    metrics.opened(side);
  }

  @Override
  public void handshakeFailed(
      NamespacedName pod,
      Side side,
      InetSocketAddress remote,
      TlsReason reason,
      @Nullable Throwable causeOrNull) {
    metrics.handshakeFailed(side, reason);
    Instant now = Instant.now();
    boolean server = side == Side.SERVER;
    events.add(sequence ->
        new NodeEvent(
            sequence,
            now,
            "tls",
            pod.toString(),
            server ? Direction.INBOUND : Direction.OUTBOUND,
            "tcp",
            server ? remote : null,
            server ? null : remote,
            Outcome.REFUSED,
            Reason.TLS_FAILED,
            null));
    log(pod, side, remote, reason, causeOrNull);
  }

  private void log(
      NamespacedName pod,
      Side side,
      InetSocketAddress remote,
      TlsReason reason,
      @Nullable Throwable causeOrNull) {
    OptionalLong leftOut = lines.next();
    if (leftOut.isEmpty()) {
      return;
    }
    LOG.log(
        System.Logger.Level.WARNING,
        "tls_handshake_refused pod={0} side={1} remote={2} reason={3} left_out={4}: {5}{6}",
        pod,
        side.label(),
        IpAddresses.text(remote),
        reason.label(),
        Long.toString(leftOut.getAsLong()),
        reason.explanation(),
        causeOrNull == null ? "" : " (" + plain(causeOrNull.getMessage()) + ")");
  }

  /** What a peer sent must not begin a line of its own. */
  private static String plain(@Nullable String message) {
    return message == null ? "" : message.replaceAll("[^ -~]+", " ");
  }

  @Override
  public void closed(
      NamespacedName pod,
      Side side,
      InetSocketAddress remote,
      VerifiedPeer peer,
      ConnectionEnd reason) {
    metrics.closed(side, reason);
  }
}
