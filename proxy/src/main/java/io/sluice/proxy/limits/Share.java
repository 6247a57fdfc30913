package io.sluice.proxy.limits;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A bounded number of connections that sources share. One alone may hold nearly all of it; the last
 * part is dealt out in small portions, each a part of what is still free, so that another source
 * finds room however greedy those before it were. Nobody who is connected has to give way. Any
 * thread, without locks; a few that come at the same instant may exceed a limit together.
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
    int free = most - taken.get();
    if (free <= 0) {
      return Answer.FULL;
    }
    if (!allows(bySource.getOrDefault(source, 0), free, most)) {
      return Answer.SOURCE_FULL;
    }
    taken.incrementAndGet();
    bySource.merge(source, 1, Integer::sum);
    return Answer.TAKEN;
  }

  /** Whether a source that holds so many may take another where {@code free} of all are free. */
  public static boolean allows(int held, int free, int most) {
    return free > most / PARTS || (free > 0 && held < Math.max(1, free / PARTS));
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
