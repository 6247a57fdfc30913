package io.sluice.node.identity;

import java.time.Duration;
import java.time.Instant;

/** Notices that the wall clock was set: it and the monotonic one then disagree. One thread. */
final class ClockWatch {
  /** Clocks are slewed by less between two looks; suspended machines and first syncs by more. */
  private static final Duration TOLERANCE = Duration.ofSeconds(10);

  private static final System.Logger LOG = System.getLogger(ClockWatch.class.getName());

  private final IdentityClock clock;
  private Instant lastNow;
  private long lastNanos;

  ClockWatch(IdentityClock clock) {
    this.clock = clock;
    this.lastNow = clock.instant();
    this.lastNanos = clock.nanos();
  }

  /** Whether it has jumped since the last look. */
  boolean hasJumped() {
    Instant now = clock.instant();
    long nanos = clock.nanos();
    Duration jump = Duration.between(lastNow, now).minusNanos(nanos - lastNanos);
    lastNow = now;
    lastNanos = nanos;
    if (jump.abs().compareTo(TOLERANCE) <= 0) {
      return false;
    }
    LOG.log(
        System.Logger.Level.WARNING,
        "wall_clock_jumped seconds=" + jump.toSeconds() + "; certificates are looked at anew");
    return true;
  }
}
