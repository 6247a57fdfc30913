package io.sluice.node.export;

import io.sluice.mesh.Reporting;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How many octets a node's exporters exchange with collectors: any number, or so many in any 24
 * hours at most. Thirteen sixteenths of that come evenly, two may be saved up, and one is for what
 * was not foreseen. It begins with nothing, so that a node which starts again and again keeps to it
 * too, without a write to the disk. Any thread.
 */
public final class Budget {
  private static final System.Logger LOG = System.getLogger(Budget.class.getName());

  /** Nothing is taken. */
  static final long REFUSED = -1;

  private static final double EVENLY = 13 / 16.0;
  private static final int SAVED_DIVISOR = 8; // of a day's, for what may be saved up
  private static final int BATCH_DIVISOR = 16; // likewise, for what one batch may have
  private static final int OWN_TURNS = 3; // of the mesh's own collectors, for each of others
  private static final long DAY_NANOS = Duration.ofDays(1).toNanos();
  private static final long HOUR_NANOS = Duration.ofHours(1).toNanos();

  private final LongSupplier clock; // in nanoseconds
  private final AtomicLong exchanged = new AtomicLong();
  private long perDay = Reporting.NO_BUDGET; // this and all below: guarded by this
  private double saved; // what may go now; less than nothing after what was not foreseen
  private long savedNanos; // when that was so

  /** Who waits, the longest first; whether it is the mesh's own. */
  private final Map<Object, Boolean> waiting = new LinkedHashMap<>();

  private int turns; // of who waits
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

  /** From now on; {@link Reporting#NO_BUDGET} for any number. */
  public synchronized void limit(long octetsPerDay) {
    save();
    if (octetsPerDay == Reporting.NO_BUDGET) {
      waiting.clear();
      saved = 0;
    }
    perDay = octetsPerDay;
    saved = Math.min(saved, mostSaved());
  }

  private void save() {
    long now = clock.getAsLong();
    double more = EVENLY * perDay * (now - savedNanos) / DAY_NANOS;
    saved = Math.min(mostSaved(), saved + more);
    savedNanos = now;
  }

  private double mostSaved() {
    return (double) perDay / SAVED_DIVISOR;
  }

  /** Most octets that a body may have, to be sent at all. */
  synchronized long mostAtOnce() {
    return perDay == Reporting.NO_BUDGET ? Long.MAX_VALUE : perDay / BATCH_DIVISOR;
  }

  /**
   * Takes that many for {@code who}, or none where there is no limit; returns what is taken, or
   * {@link #REFUSED}. Who is refused waits for its turn from now on, in which nobody else may: else
   * large batches would wait for as long as there are small ones, and who asks seldom for as long
   * as there is one who asks often.
   *
   * @param isOfMesh whether the mesh's own settings name its collector: as long as such wait others
   *     have one turn of {@link #OWN_TURNS} and one
   */
  synchronized long take(Object who, boolean isOfMesh, long octets) {
    if (perDay == Reporting.NO_BUDGET) {
      return 0;
    }
    save();
    Object next = next();
    if ((next != null && next != who) || saved < octets) {
      waiting.put(who, isOfMesh);
      return REFUSED;
    }
    if (waiting.remove(who) != null) {
      turns++;
    }
    saved -= octets;
    return octets;
  }

  private @Nullable Object next() {
    boolean isOthers = turns % (OWN_TURNS + 1) == OWN_TURNS;
    Object first = null;
    for (Map.Entry<Object, Boolean> each : waiting.entrySet()) {
      if (each.getValue() != isOthers) {
        return each.getKey();
      }
      first = first == null ? each.getKey() : first;
    }
    return first;
  }

  /** So many were exchanged where so many had been taken. */
  synchronized void settle(long taken, long octets) {
    exchanged.addAndGet(octets);
    if (perDay != Reporting.NO_BUDGET) {
      saved = Math.min(mostSaved(), saved + taken - octets);
    }
  }

  /** {@code who} sends nothing any more. */
  synchronized void leave(Object who) {
    waiting.remove(who);
  }

  /** Whether something is left out for want of it, which the log tells now and then. */
  boolean isSpent() {
    long limit;
    synchronized (this) {
      if (waiting.isEmpty()) {
        return false;
      }
      long now = clock.getAsLong();
      if (now - toldNanos < HOUR_NANOS) {
        return true;
      }
      toldNanos = now;
      limit = perDay;
    }
    LOG.log(
        System.Logger.Level.WARNING,
        "telemetry_budget_spent bytes_per_day={0}",
        Long.toString(limit));
    return true;
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
