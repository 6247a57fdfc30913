package io.sluice.node.identity;

import java.time.Instant;

/**
 * The wall clock, by which certificates are valid, and the monotonic one, by which is waited: the
 * former may jump. Any thread.
 */
interface IdentityClock {
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
}
