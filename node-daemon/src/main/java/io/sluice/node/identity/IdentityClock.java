package io.sluice.node.identity;

import io.sluice.mesh.svid.SiteTime;
import io.sluice.process.SiteClock;
import java.time.Instant;

/**
 * The time by which certificates are valid, and the monotonic one, by which is waited: the former
 * may jump. Any thread.
 */
interface IdentityClock extends SiteTime {
  /** The machine's. */
  IdentityClock SYSTEM =
      new IdentityClock() {
        @Override
        public Instant now() {
          return Instant.now();
        }

        @Override
        public long nanos() {
          return System.nanoTime();
        }
      };

  Instant now();

  /** Only differences mean anything. */
  long nanos();

  @Override
  default Instant instant() {
    return now();
  }

  /** The authority has just signed for a key of this node, in a certificate that begins then. */
  default void heard(Instant begin) {}

  /** The node's own. */
  static IdentityClock of(SiteClock clock) {
    return new IdentityClock() {
      @Override
      public Instant now() {
        return clock.instant();
      }

      @Override
      public long nanos() {
        return System.nanoTime();
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
