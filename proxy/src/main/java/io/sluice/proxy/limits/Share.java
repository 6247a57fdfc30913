package io.sluice.proxy.limits;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A bounded number of places that sources share. One alone may hold nearly all of them; the last
 * part is dealt out in small portions, each a part of what is still free, so that another source
 * finds room however greedy those before it were. Nobody who has one has to give way. Any thread,
 * without locks; a few that come at the same instant may exceed a source's part, never the whole.
 */
public final class Share {
  /** What became of a request for a place. */
  public enum Answer {
    TAKEN,
    /** This source holds more than its share; others still find room. */
    SOURCE_FULL,
    /** Nobody finds room. */
    FULL
  }

  /** The last eighth is dealt out by eighths of what is left of it. */
  private static final int PARTS = 8;

  private final int most;
  private final AtomicInteger taken = new AtomicInteger();
  private final ConcurrentMap<Object, Integer> bySource = new ConcurrentHashMap<>();

  /** An empty one. */
  public Share(int most) {
    this.most = most;
  }

  /** Takes a place for {@code source} where there is one; {@link #leave} frees it. */
  public Answer take(Object source) {
    return take(source, most, 0);
  }

  /**
   * The same where there may be so many at present.
   *
   * @param left how many the source had that has just left one: what others have in its place
   *     leaves as many free as before
   */
  public Answer take(Object source, int mostNow, int left) {
    for (int known = taken.get(); known < mostNow; known = taken.get()) {
      if (!allows(held(source), left, mostNow - known, mostNow)) {
        return Answer.SOURCE_FULL;
      }
      if (taken.compareAndSet(known, known + 1)) {
        bySource.merge(source, 1, Integer::sum);
        return Answer.TAKEN;
      }
    }
    return Answer.FULL;
  }

  /** Places that {@code source} holds now. */
  public int held(Object source) {
    return bySource.getOrDefault(source, 0);
  }

  /** Whether a source that holds so many may take another where {@code free} of all are free. */
  public static boolean allows(int held, int free, int most) {
    return free > most / PARTS || (free > 0 && held < Math.max(1, free / PARTS));
  }

  /** The same after one was left by a source that had {@code left}. */
  public static boolean allows(int held, int left, int free, int most) {
    return free > 0 && held < left || allows(held, free, most);
  }

  /** Frees a place that was taken for {@code source}. */
  public void leave(Object source) {
    bySource.computeIfPresent(source, (key, count) -> count == 1 ? null : count - 1);
    taken.decrementAndGet();
  }

  /** Whether nobody finds room. */
  public boolean isFull() {
    return taken.get() >= most;
  }

  /** Places that are taken now. */
  public int taken() {
    return taken.get();
  }
}
