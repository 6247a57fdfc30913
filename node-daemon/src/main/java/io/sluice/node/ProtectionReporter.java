package io.sluice.node;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Printable;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.Protection;
import io.sluice.node.enrolment.ProtectionListener;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.metrics.NodeMetrics;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;

/** Tells of pods that are not protected: in the events, and to whoever asks for readiness. */
final class ProtectionReporter implements ProtectionListener {
  private final NodeMetrics metrics;
  private final EventLog events;

  ProtectionReporter(NodeMetrics metrics, EventLog events) {
    this.metrics = metrics;
    this.events = events;
  }

  @Override
  public void closed(NamespacedName pod, String problem) {
    tell(pod, Reason.INTERCEPTION_FAILED_CLOSED);
  }

  @Override
  public void namespaceConflict(NamespacedName claimant) {
    metrics.namespaceConflict();
    tell(claimant, Reason.NAMESPACE_CONFLICT);
  }

  private void tell(NamespacedName pod, Reason reason) {
    Instant now = Instant.now();
    for (Direction direction : Direction.values()) {
      events.add(sequence ->
          new NodeEvent(
              sequence,
              now,
              "enrolment",
              pod.toString(),
              direction,
              "any",
              null,
              null,
              Outcome.REFUSED,
              reason,
              null));
    }
  }

  /**
   * One line for each pod that the mesh does not protect as it should; empty when there is none.
   */
  static String unprotected(List<PodStatus> pods) {
    return pods.stream()
        .filter(pod ->
            pod.protection() == Protection.REFUSED || pod.protection() == Protection.NOT_PROTECTED)
        .map(pod ->
            Printable.line(
                    "pod %s %s: %s".formatted(pod.name(), pod.protection().label(), pod.problem()))
                + "\n")
        .collect(Collectors.joining());
  }
}
