package io.sluice.node;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.events.AccessLog;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.ConnectionListener;
import java.time.Instant;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Hands what the proxy reports to metrics, events and access log, and says in the log why a pod has
 * no certificate when that refuses a connection: a line a second at most.
 */
final class ConnectionReporter implements ConnectionListener {
  private static final System.Logger LOG = System.getLogger(ConnectionReporter.class.getName());

  private final NodeMetrics metrics;
  private final EventLog events;
  private final @Nullable AccessLog accessLog;
  private final Function<NamespacedName, String> whyNoCertificate;
  private final LineEachSecond lines = new LineEachSecond();

  /**
   * @param whyNoCertificate of a pod, in a sentence
   */
  ConnectionReporter(
      NodeMetrics metrics,
      EventLog events,
      @Nullable AccessLog accessLog,
      Function<NamespacedName, String> whyNoCertificate) {
    this.metrics = metrics;
    this.events = events;
    this.accessLog = accessLog;
    this.whyNoCertificate = whyNoCertificate;
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
    log(record);
  }

  @Override
  public void refused(AccessRecord record) {
    metrics.refused(record);
    log(record);
    ConnectionInfo info = record.info();
    Instant now = Instant.now();
    Reason reason = record.verdict().isAllowed() ? record.closeReason() : record.verdict().reason();
    if (reason == Reason.NO_CERTIFICATE) {
      tellWhy(info.pod());
    }
    events.add(sequence ->
        new NodeEvent(
            sequence,
            now,
            "proxy",
            info.pod().toString(),
            info.direction(),
            "tcp",
            info.client(),
            info.originalDestinationOrNull(),
            Outcome.REFUSED,
            reason,
            record.verdict().ruleOrNull()));
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
    if (accessLog != null) {
      accessLog.write(record);
    }
  }
}
