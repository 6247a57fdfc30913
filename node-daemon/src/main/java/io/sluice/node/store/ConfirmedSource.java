package io.sluice.node.store;

import io.sluice.mesh.SnapshotSource;
import java.time.Instant;
import java.util.Optional;

/**
 * A source that may be out of reach, and knows since when. Its {@link #start} may wait for long;
 * {@link #close} ends that.
 */
public interface ConfirmedSource extends SnapshotSource {
  /**
   * When it last learnt that what it delivered is current; now, while it is in touch; empty before
   * the first time. Any thread; never waits.
   */
  Optional<Instant> confirmedAt();
}
