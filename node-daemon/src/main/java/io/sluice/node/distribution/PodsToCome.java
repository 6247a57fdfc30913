package io.sluice.node.distribution;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Whether a pod that the controller has not told of is still to come. It is while the controller is
 * followed, reads its registry as a whole, and that registry is a cluster's. Told by one thread,
 * asked by any.
 */
final class PodsToCome {
  /**
   * How long the controller may be away before a pod that nobody tells of need not be waited for
   * any longer. Longer than a controller takes to start anew, or a Lease to pass on (15 s).
   */
  static final Duration ABSENCE = Duration.ofSeconds(30);

  private final LongSupplier nanoClock;
  private volatile long inTouchUntil;
  private volatile boolean inTouch;

  /** Until a controller says otherwise: it is away, and nothing is known of its registry. */
  private volatile boolean ofCluster = true;

  PodsToCome(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
    this.inTouchUntil = nanoClock.getAsLong();
  }

  /** The controller has said how its registry stands. */
  void heard(boolean tellsOfEveryPod, boolean isComplete) {
    ofCluster = tellsOfEveryPod;
    touch(isComplete);
  }

  /** The controller is not followed any more. */
  void lost() {
    touch(false);
  }

  private void touch(boolean now) {
    if (inTouch && !now) {
      inTouchUntil = nanoClock.getAsLong();
    }
    inTouch = now;
  }

  boolean mayCome() {
    return ofCluster
        && (inTouch || nanoClock.getAsLong() - inTouchUntil < ABSENCE.toNanos());
  }
}
