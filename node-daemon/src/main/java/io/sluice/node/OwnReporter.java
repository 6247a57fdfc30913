package io.sluice.node;

import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.store.StoreFault;
import io.sluice.node.store.StoreListener;
import java.time.Instant;
import java.util.List;

/**
 * Tells in the events of what concerns the node itself: every pod and both directions. One line is
 * enough, log and `node status` have the rest.
 */
final class OwnReporter implements StoreListener {
  private final EventLog events;

  OwnReporter(EventLog events) {
    this.events = events;
  }

  /** A snapshot on the disk cannot be used or written. */
  @Override
  public void failed(StoreFault fault, String problem) {
    tell("store", Outcome.REFUSED, Reason.SNAPSHOT_UNUSABLE);
  }

  /** The node goes by other roots than until now, of which {@code former} are the ids. */
  void admittedAnew(List<String> former) {
    tell("identity", Outcome.ALLOWED, Reason.ADMITTED_ANEW);
  }

  private void tell(String origin, Outcome outcome, Reason reason) {
    Instant now = Instant.now();
    events.add(sequence ->
        new NodeEvent(
            sequence,
            now,
            origin,
            "-",
            Direction.INBOUND,
            "any",
            null,
            null,
            outcome,
            reason,
            null));
  }
}
