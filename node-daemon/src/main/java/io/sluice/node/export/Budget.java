package io.sluice.node.export;

import io.sluice.mesh.Reporting;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How many octets a node's exporters exchange with collectors: any number, or so many in any 24
 * hours at most. Three quarters of that come evenly, an eighth may go at once, and an eighth is for
 * what was not foreseen. It begins with nothing, so that a node which starts again and again keeps
 * to it too, without a write to the disk. Any thread.
 */
public final class Budget {
  private static final System.Logger LOG = System.getLogger(Budget.class.getName());

  private static final double EVENLY = 0.75;
  private static final int SAVED = 8; // part of it
  private static final int AT_ONCE = 16; // part of it that one batch has
  private static final long DAY_NANOS = Duration.ofDays(1).toNanos();
  private static final long HOUR_NANOS = Duration.ofHours(1).toNanos();

  private final LongSupplier clock; // in nanoseconds
  private final AtomicLong exchanged = new AtomicLong();
  private long perDay = Reporting.NO_BUDGET; // this and all below: guarded by this
  private double saved; // what may go now; less than nothing after what was not foreseen
  private long savedNanos; // when that was so
  private @Nullable Object first; // who waits, and comes before all others
  private long toldNanos;

  /** Without a limit. */
  public Budget() {
    this(System::nanoTime);
  }

  Budget(LongSupplier clock) {
    this.clock = clock;
    savedNanos = clock.getAsLong();
    toldNanos = savedNanos - HOUR_NANOS;
  }

  /** From now on, octets in 24 hours; {@link Reporting#NO_BUDGET} for any number. */
  public synchronized void limit(long perDay) {
    save();
    if (perDay == Reporting.NO_BUDGET) {
      first = null;
      saved = 0;
    }
    this.perDay = perDay;
    saved = Math.min(saved, (double) perDay / SAVED);
  }

  private void save() {
    long now = clock.getAsLong();
    double more = EVENLY * perDay * (now - savedNanos) / DAY_NANOS;
    saved = Math.min((double) perDay / SAVED, saved + more);
    savedNanos = now;
  }

  /** Most octets that a batch may have, to be sent at all. */
  synchronized long mostAtOnce() {
    return perDay == Reporting.NO_BUDGET ? Long.MAX_VALUE : perDay / AT_ONCE;
  }

  /**
   * Whether {@code who} may send that many now, which are then taken. Who may not comes first from
   * now on: else large batches would wait for as long as there are small ones.
   */
  synchronized boolean take(Object who, long octets) {
    if (perDay == Reporting.NO_BUDGET) {
      return true;
    }
    save();
    if ((first != null && first != who) || saved < octets) {
      first = first == null ? who : first;
      tell();
      return false;
    }
    first = null;
    saved -= octets;
    return true;
  }

  private void tell() {
    if (savedNanos - toldNanos >= HOUR_NANOS) {
      toldNanos = savedNanos;
      LOG.log(
          System.Logger.Level.WARNING,
          "telemetry_budget_spent bytes_per_day={0}",
          Long.toString(perDay));
    }
  }

  /** So many were exchanged where so many had been taken. */
  synchronized void settle(long taken, long octets) {
    exchanged.addAndGet(octets);
    if (perDay != Reporting.NO_BUDGET) {
      saved = Math.min((double) perDay / SAVED, saved + taken - octets);
    }
  }

  /** {@code who} sends nothing any more. */
  synchronized void leave(Object who) {
    if (first == who) {
      first = null;
    }
  }

  /** Whether somebody waits for it. */
  synchronized boolean isSpent() {
    return first != null;
  }

  /** Octets in 24 hours; {@link Reporting#NO_BUDGET} for any number. */
  public synchronized long perDay() {
    return perDay;
  }

  /** Octets exchanged since the start, those of TLS too; headers of IP and TCP come on top. */
  public long exchanged() {
    return exchanged.get();
  }
}
