package io.sluice.node.identity;

import io.sluice.mesh.svid.SiteTime;
import io.sluice.process.SiteClock;
import java.time.Instant;

/**
 * The time by which certificates are valid, and the monotonic one, by which is waited: the former
 * may jump. Any thread.
 */
@FunctionalInterface
interface IdentityClock extends SiteTime {
  /** The machine's. */
  IdentityClock SYSTEM = Instant::now;

  /** Only differences mean anything. */
  default long nanos() {
    return System.nanoTime();
  }

  /** The authority has just signed for a key of this node, in a certificate that begins then. */
  default void heard(Instant begin) {}

  /** The node's own. */
  static IdentityClock of(SiteClock clock) {
    return new IdentityClock() {
      @Override
      public Instant instant() {
        return clock.instant();
      }

      @Override
      public String doubt() {
        return clock.doubt();
      }

      @Override
      public boolean isLowerBound() {
        return clock.isLowerBound();
      }

      @Override
      public void heard(Instant begin) {
        clock.heard(begin);
      }
    };
  }
}
