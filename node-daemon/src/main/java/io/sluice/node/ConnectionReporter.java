package io.sluice.node;

import io.sluice.mesh.decision.Outcome;
import io.sluice.node.events.AccessLog;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.metrics.NodeMetrics;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.ConnectionListener;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Hands what the proxy reports to metrics, events and access log. */
final class ConnectionReporter implements ConnectionListener {
  private final NodeMetrics metrics;
  private final EventLog events;
  private final @Nullable AccessLog accessLog;

  ConnectionReporter(NodeMetrics metrics, EventLog events, @Nullable AccessLog accessLog) {
    this.metrics = metrics;
    this.events = events;
    this.accessLog = accessLog;
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
            record.verdict().isAllowed() ? record.closeReason() : record.verdict().reason(),
            record.verdict().ruleOrNull()));
  }

  private void log(AccessRecord record) {
    if (accessLog != null) {
      accessLog.write(record);
    }
  }
}
