package io.sluice.proxy.limits;

import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Bounded places in which every newcomer finds room, because somebody gives way: of the sources
 * that the snapshot knows and the others, those that hold more than half; of these the oldest one
 * of a source with more than its share, else the oldest. So whoever is quick is served, however
 * many are not. Belongs to one event loop.
 *
 * @param <T> what takes places; compared by {@code equals}
 */
public final class Places<T> {
  /** A source with more than this part of the places is the first to give way. */
  private static final int SHARES = 4;

  /** Taken even where the node as a whole is full, so that its other pods cannot shut this one. */
  private static final int LEAST = 2;

  /** How many places of one kind a whole node has, and how many are taken. Any thread. */
  public static final class OfNode {
    private final int most;
    private final AtomicInteger taken = new AtomicInteger();

    /** None of them taken. */
    public OfNode(int most) {
      this.most = most;
    }

    /** Places that are taken now. */
    public int taken() {
      return taken.get();
    }
  }

  private final int most;
  private final OfNode node;
  private final Map<T, Source> taken = new LinkedHashMap<>(); // the oldest first
  private final Map<Object, Integer> bySource = new HashMap<>();
  private int known;

  /**
   * Empty places.
   *
   * @param node shared with the other places of this kind
   */
  public Places(int most, OfNode node) {
    this.most = Math.max(LEAST, most);
    this.node = node;
  }

  /** Takes a place; returns who has given way, and has no place any more, or null. */
  public @Nullable T take(T newcomer, Source source) {
    boolean full = taken.size() >= most || taken.size() >= LEAST && node.taken() >= node.most;
    T late = full ? givesWay(source.known()) : null;
    if (late != null) {
      leave(late);
    }
    taken.put(newcomer, source);
    bySource.merge(source.key(), 1, Integer::sum);
    known += source.known() ? 1 : 0;
    node.taken.incrementAndGet();
    return late;
  }

  /** Whether half of them are taken, here or on the node: time to be impatient. */
  public boolean areShort() {
    return 2 * taken.size() > most || 2 * node.taken() > node.most;
  }

  private @Nullable T givesWay(boolean newcomerKnown) {
    int others = taken.size() - known;
    boolean fromKnown = known == others ? newcomerKnown : known > others;
    int share = Math.max(1, most / SHARES);
    T oldest = null;
    Iterator<Map.Entry<T, Source>> entries = taken.entrySet().iterator();
    while (entries.hasNext()) {
      Map.Entry<T, Source> one = entries.next();
      if (one.getValue().known() == fromKnown) {
        if (bySource.getOrDefault(one.getValue().key(), 0) > share) {
          return one.getKey();
        }
        oldest = oldest == null ? one.getKey() : oldest;
      }
    }
    return oldest;
  }

  /** Frees a place; nothing where there was none. */
  public void leave(T holder) {
    Source source = taken.remove(holder);
    if (source != null) {
      bySource.computeIfPresent(source.key(), (key, count) -> count == 1 ? null : count - 1);
      known -= source.known() ? 1 : 0;
      node.taken.decrementAndGet();
    }
  }
}
