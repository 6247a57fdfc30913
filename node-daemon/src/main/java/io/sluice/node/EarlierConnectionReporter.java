package io.sluice.node;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.enrolment.EarlierAction;
import io.sluice.node.enrolment.EarlierConnection;
import io.sluice.node.enrolment.EarlierConnectionsListener;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.metrics.NodeMetrics;
import java.time.Instant;
import java.util.List;

/** Hands connections older than their pod's enrolment to metrics and events. */
final class EarlierConnectionReporter implements EarlierConnectionsListener {
  /** Events of one pod at a time, so that it leaves room for others; the metric counts them all. */
  private static final int MAX_EVENTS = 64;

  private final NodeMetrics metrics;
  private final EventLog events;

  EarlierConnectionReporter(NodeMetrics metrics, EventLog events) {
    this.metrics = metrics;
    this.events = events;
  }

  @Override
  public void taken(EarlierAction action, NamespacedName pod, List<EarlierConnection> connections) {
    metrics.earlierConnections(action, connections.size());
    Outcome outcome =
        switch (action) {
          case DESTROYED -> Outcome.REFUSED;
          case KEPT, GRACED, FAILED -> Outcome.PASSTHROUGH;
        };
    Instant now = Instant.now();
    connections.stream()
        .limit(MAX_EVENTS)
        .forEach(connection ->
            events.add(sequence ->
                new NodeEvent(
                    sequence,
                    now,
                    "enrolment",
                    pod.toString(),
                    connection.direction(),
                    connection.socket().transport().label(),
                    connection.source(),
                    connection.destination(),
                    outcome,
                    Reason.BEFORE_ENROLMENT,
                    null)));
  }
}
