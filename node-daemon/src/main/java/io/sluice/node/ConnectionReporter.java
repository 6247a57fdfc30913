package io.sluice.node;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.events.AccessLogs;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.events.Taps;
import io.sluice.node.flows.FlowRecorder;
import io.sluice.node.metrics.HboneMetrics;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.node.tracing.Spans;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.ConnectionListener;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.Retried;
import io.sluice.proxy.hbone.ConnectionEnd;
import io.sluice.proxy.hbone.HboneEvents;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Hands what the proxy reports to metrics, events, access log, spans, flows and taps, and says in
 * the log why a pod has no certificate when that refuses a connection: a line a second at most.
 */
final class ConnectionReporter implements ConnectionListener {
  private static final System.Logger LOG = System.getLogger(ConnectionReporter.class.getName());

  private final NodeMetrics metrics;
  private final EventLog events;
  private final AccessLogs logs;
  private final Spans spans;
  private final @Nullable FlowRecorder flows;
  private final Function<NamespacedName, String> whyNoCertificate;
  private final Taps taps;
  private final LineEachSecond lines = new LineEachSecond();

  /**
   * @param whyNoCertificate of a pod, in a sentence
   */
  ConnectionReporter(
      NodeMetrics metrics,
      EventLog events,
      AccessLogs logs,
      Spans spans,
      @Nullable FlowRecorder flows,
      Function<NamespacedName, String> whyNoCertificate,
      Taps taps) {
    this.metrics = metrics;
    this.events = events;
    this.logs = logs;
    this.spans = spans;
    this.flows = flows;
    this.whyNoCertificate = whyNoCertificate;
    this.taps = taps;
  }

  @Override
  public void opened(ConnectionInfo info) {
    metrics.opened(info);
  }

  @Override
  public void bytes(ConnectionInfo info, long sentDelta, long receivedDelta) {
    metrics.bytes(info, sentDelta, receivedDelta);
  }

  @Override
  public void closed(AccessRecord record) {
    metrics.closed(record);
    tellClosed(record);
  }

  /** Of one that is counted already. */
  void tellClosed(AccessRecord record) {
    log(record);
    tellIfFollowed(record.info(), "tcp", record.verdict());
  }

  @Override
  public void refused(AccessRecord record) {
    metrics.refused(record);
    log(record);
    Reason reason = record.verdict().isAllowed() ? record.closeReason() : record.verdict().reason();
    tell(record.info(), "tcp", reason, record.verdict());
  }

  @Override
  public void request(RequestRecord record) {
    metrics.request(record);
    logs.write(record);
    spans.add(record);
    if (flows != null) {
      flows.record(record);
    }
    if (taps.areOpen()) {
      taps.tell(record);
    }
    String protocol = record.copy() ? NodeEvent.COPY : "http";
    Reason reason = reasonOfRefusal(record);
    if (reason != null) {
      metrics.refusedRequest(record.info(), reason);
      tell(record.info(), protocol, reason, record.verdict());
    } else {
      tellIfFollowed(record.info(), protocol, record.verdict());
    }
  }

  @Override
  public void retried(ConnectionInfo info, List<Retried> events) {
    metrics.retried(info, events);
  }

  @Override
  public boolean timesAnswers() {
    return logs.areOn() || spans.isOn() || taps.areOpen();
  }

  @Override
  public List<String> headersToTell() {
    return flows == null ? List.of() : flows.headersToTell();
  }

  /** Why the response was the proxy's own; null where it was not. */
  private static @Nullable Reason reasonOfRefusal(RequestRecord record) {
    if (!record.verdict().isAllowed()) {
      return record.verdict().reason();
    }
    return switch (record.end()) {
      case NO_ENDPOINT -> Reason.NO_READY_ENDPOINT;
      case NO_UPSTREAM -> Reason.UPSTREAM_UNREACHABLE;
      default -> null;
    };
  }

  private void tell(ConnectionInfo info, String protocol, Reason reason, Verdict verdict) {
    if (reason == Reason.NO_CERTIFICATE) {
      tellWhy(info.pod());
    }
    Instant now = Instant.now();
    events.add(sequence -> event(sequence, now, info, protocol, Outcome.REFUSED, reason, verdict));
  }

  private void tellIfFollowed(ConnectionInfo info, String protocol, Verdict verdict) {
    if (verdict.isAllowed() && events.wantsAllowed()) {
      Instant now = Instant.now();
      events.addAllowed(sequence ->
          event(sequence, now, info, protocol, Outcome.ALLOWED, verdict.reason(), verdict));
    }
  }

  private static NodeEvent event(
      long sequence,
      Instant time,
      ConnectionInfo info,
      String protocol,
      Outcome outcome,
      Reason reason,
      Verdict verdict) {
    return new NodeEvent(
        sequence,
        time,
        "proxy",
        info.pod().toString(),
        info.direction(),
        protocol,
        info.client(),
        info.originalDestinationOrNull(),
        outcome,
        reason,
        verdict.ruleOrNull(),
        info.upstreamOrNull());
  }

  private void tellWhy(NamespacedName pod) {
    lines
        .next()
        .ifPresent(leftOut ->
            LOG.log(
                System.Logger.Level.WARNING,
                "no_certificate pod={0} left_out={1}: {2}",
                pod,
                Long.toString(leftOut),
                whyNoCertificate.apply(pod)));
  }

  private void log(AccessRecord record) {
    logs.write(record);
    if (flows != null) {
      flows.record(record);
    }
    if (taps.areOpen()) {
      taps.tell(record);
    }
  }

  /** Lets one log line a second pass, so that peers and pods cannot fill a disk. Any thread. */
  static final class LineEachSecond {
    private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

    private final AtomicLong nextNanos = new AtomicLong(System.nanoTime());
    private final AtomicLong leftOut = new AtomicLong();

    /** How many lines were left out before this one; empty when this one is left out. */
    OptionalLong next() {
      long now = System.nanoTime();
      long next = nextNanos.get();
      if (now - next < 0 || !nextNanos.compareAndSet(next, now + PAUSE_NANOS)) {
        leftOut.incrementAndGet();
        return OptionalLong.empty();
      }
      return OptionalLong.of(leftOut.getAndSet(0));
    }
  }

  /**
   * Hands what happens to connections with mutual TLS to metrics and events, and tells of refused
   * handshakes in the log: a line a second at most, with the number of those left out.
   */
  static final class HboneReporter implements HboneEvents {
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
      metrics.opened(pod, side);
    }

    @Override
    public void handshakeFailed(
        NamespacedName pod,
        Side side,
        InetSocketAddress remote,
        TlsReason reason,
        @Nullable Throwable causeOrNull) {
      metrics.handshakeFailed(pod, side, reason);
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
              null,
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
}
