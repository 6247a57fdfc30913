package io.sluice.proxy.admission;

import io.sluice.mesh.UpstreamSetting.Rate;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Lets so many pass in so long: a bucket that holds a unit's amount and the burst, and fills
 * evenly. One number says all of it: when the bucket will be full again (the generic cell rate
 * algorithm, ITU-T I.371 Annex A). Any thread; times are of {@link System#nanoTime}.
 */
public final class TokenBucket {
  private final long costNanos; // of one
  private final long toleranceNanos; // of all but one
  private final AtomicLong full;

  /** Full at {@code now}. */
  public TokenBucket(Rate rate, long now) {
    long per = rate.per().toNanos();
    this.costNanos = per / rate.amount();
    double all = (double) per / rate.amount() * ((double) rate.amount() + rate.burst() - 1);
    this.toleranceNanos = (long) Math.min(all, Long.MAX_VALUE / 4.0);
    this.full = new AtomicLong(now);
  }

  /** How long until it is full, in nanoseconds. */
  public long untilFull(long now) {
    return Math.max(0, full.get() - now);
  }

  /** It is not full before so long, in nanoseconds, but no emptier than empty. */
  void isFullIn(long nanos, long now) {
    long least = Math.clamp(nanos, 0, toleranceNanos + costNanos);
    full.updateAndGet(at -> now + Math.max(at - now, least));
  }

  /** Takes one, if there is one at {@code now}. */
  public boolean take(long now) {
    while (true) {
      long at = full.get();
      long wait = Math.max(0, at - now);
      if (wait > toleranceNanos) {
        return false;
      }
      if (full.compareAndSet(at, now + wait + costNanos)) {
        return true;
      }
    }
  }
}
