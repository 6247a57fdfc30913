package io.sluice.node;

import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.events.EventLog;
import io.sluice.node.events.NodeEvent;
import io.sluice.node.store.StoreFault;
import io.sluice.node.store.StoreListener;
import java.time.Instant;

/** Tells in the events of snapshots on the disk that cannot be used or written. */
final class SnapshotReporter implements StoreListener {
  private final EventLog events;

  SnapshotReporter(EventLog events) {
    this.events = events;
  }

  /** It concerns every pod and both directions; one line is enough, `node status` has the rest. */
  @Override
  public void failed(StoreFault fault, String problem) {
    Instant now = Instant.now();
    events.add(sequence ->
        new NodeEvent(
            sequence,
            now,
            "store",
            "-",
            Direction.INBOUND,
            "any",
            null,
            null,
            Outcome.REFUSED,
            Reason.SNAPSHOT_UNUSABLE,
            null));
  }
}
