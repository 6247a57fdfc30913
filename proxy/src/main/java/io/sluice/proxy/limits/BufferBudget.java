package io.sluice.proxy.limits;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Buffer memory that waits for slow readers, in bytes: of the node, of its pods below it, of those
 * who call a pod below it, by identity, and of their shared connections below them. Whoever is at
 * the next lower level shares equally, so that many connections of one caller count for no more
 * than one of another's. Touched only when a reader does not take everything at once. Any thread,
 * without locks.
 */
public final class BufferBudget {
  /** Windows grow while no more than this part of a budget is held. */
  private static final int ROOM_PARTS = 4;

  /** What peers may send beyond what each stream begins with, is no more than this part. */
  static final int PROMISE_PARTS = 6;

  private final AtomicLong held = new AtomicLong();
  private final AtomicLong peak = new AtomicLong();
  private final AtomicLong promised = new AtomicLong();
  private final AtomicInteger holders = new AtomicInteger();
  private final long limit;
  private final @Nullable BufferBudget parent;

  /** An empty one. */
  public BufferBudget(long limit, @Nullable BufferBudget parent) {
    this.limit = limit;
    this.parent = parent;
  }

  /** One that is bounded by its share of this one. */
  public BufferBudget part() {
    return new BufferBudget(Long.MAX_VALUE, this);
  }

  /** Counts so many bytes more, or fewer where negative. */
  public void hold(long bytes) {
    long now = held.addAndGet(bytes);
    if (now > peak.get()) {
      peak.accumulateAndGet(now, Math::max);
    }
    BufferBudget above = parent;
    if (above != null) {
      boolean before = now - bytes > 0;
      if (before != now > 0) {
        above.holders.addAndGet(before ? -1 : 1);
      }
      above.hold(bytes);
    }
  }

  /** Counts so many bytes less. */
  public void release(long bytes) {
    hold(-bytes);
  }

  /** Bytes that wait now. */
  public long held() {
    return held.get();
  }

  /** Most bytes that have ever waited at once. */
  public long peak() {
    return peak.get();
  }

  /** Most bytes that may wait. */
  public long limit() {
    return limit;
  }

  /**
   * Whether no more may wait: the limit is reached, or the one above has reached its own and this
   * one holds as large a part of it as any other may.
   */
  public boolean isExceeded() {
    return held.get() >= limit
        || (parent != null && parent.isExceeded() && held.get() >= parent.share());
  }

  /** Whether more may be promised: far from every limit. */
  public boolean hasRoom() {
    return held.get() < limit / ROOM_PARTS && (parent == null || parent.hasRoom());
  }

  /**
   * Sets memory aside for bytes that a peer is to be allowed to send, until {@link #withdraw}:
   * readers of many streams may come to stand still all at once, when each has been promised much.
   * A stream has no more than it leaves to others: the credit of an idle one cannot be taken back,
   * and later ones have to grow too.
   *
   * @param alreadyPromised to the same stream
   * @return false, and nothing is set aside, where too much is promised already
   */
  public boolean promise(long bytes, long alreadyPromised) {
    BufferBudget above = parent;
    if (above != null && !above.promise(bytes, alreadyPromised)) {
      return false;
    }
    if (promised.addAndGet(bytes) + alreadyPromised + bytes <= limit / PROMISE_PARTS) {
      return true;
    }
    withdraw(bytes);
    return false;
  }

  /** Bytes that are promised now. */
  public long promised() {
    return promised.get();
  }

  /** So many bytes that were promised will not come any more. */
  public void withdraw(long bytes) {
    promised.addAndGet(-bytes);
    if (parent != null) {
      parent.withdraw(bytes);
    }
  }

  /** What each of those that hold something may hold when there is too little. */
  private long share() {
    long all = parent != null && parent.isExceeded() ? Math.min(limit, parent.share()) : limit;
    return all / Math.max(1, holders.get());
  }
}
