package io.sluice.node.events;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongFunction;

/**
 * The latest events. Where there are too many the oldest one of a pod with the most is forgotten,
 * so that what is refused to one pushes out nothing of another that has its share. Allowed flows
 * are kept only while somebody follows them, and beside the others: they push none of those out.
 * Any thread; the lock is held for the time of one insertion or copy.
 */
public final class EventLog {
  /** Events kept: about 1 MiB; and as many allowed flows. */
  public static final int CAPACITY = 2_048;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition added = lock.newCondition();
  private final Kept events = new Kept();
  private final Kept allowed = new Kept();
  private long nextSequence = 1;
  private volatile int followersOfAllowed;

  /** Those of each pod, oldest first; under the lock. */
  private static final class Kept {
    /** Who has most, and of several the one with the oldest. */
    private static final Comparator<Deque<NodeEvent>> MOST =
        Comparator.<Deque<NodeEvent>>comparingInt(Deque::size)
            .thenComparingLong(each -> -each.getFirst().sequence());

    private final Map<String, Deque<NodeEvent>> ofPods = new HashMap<>(); // none of them empty
    private int count;
    private int most; // no pod has more; who has as many is compared with nobody
    private long last;

    void add(NodeEvent event) {
      Deque<NodeEvent> own = ofPods.computeIfAbsent(event.pod(), first -> new ArrayDeque<>());
      own.addLast(event);
      last = event.sequence();
      most = Math.max(most, own.size());
      if (++count > CAPACITY) {
        Deque<NodeEvent> largest =
            own.size() > 1 && own.size() == most ? own : Collections.max(ofPods.values(), MOST);
        most = largest.size();
        NodeEvent oldest = largest.removeFirst();
        if (largest.isEmpty()) {
          ofPods.remove(oldest.pod());
        }
        count--;
      }
    }

    void copyTo(List<NodeEvent> copy) {
      ofPods.values().forEach(copy::addAll);
    }

    void clear() {
      ofPods.clear();
      count = 0;
      most = 0;
      last = 0;
    }
  }

  /** Adds the event that {@code maker} makes for its sequence number. */
  public void add(LongFunction<NodeEvent> maker) {
    add(maker, events);
  }

  /** The same of a flow that was allowed, which is for who {@link #followAllowed follows} those. */
  public void addAllowed(LongFunction<NodeEvent> maker) {
    add(maker, allowed);
  }

  private void add(LongFunction<NodeEvent> maker, Kept kept) {
    lock.lock();
    try {
      kept.add(maker.apply(nextSequence++));
      added.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether somebody wants to be told of allowed flows; costs one read. */
  public boolean wantsAllowed() {
    return followersOfAllowed > 0;
  }

  /** Somebody follows allowed flows until the result is closed. */
  public Following followAllowed() {
    count(1);
    return () -> count(-1);
  }

  private void count(int change) {
    lock.lock();
    try {
      followersOfAllowed += change;
      if (followersOfAllowed == 0) {
        allowed.clear();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Events with a sequence number above {@code after}, oldest first, without allowed flows. */
  public List<NodeEvent> after(long after) {
    return after(after, false);
  }

  private List<NodeEvent> after(long after, boolean withAllowed) {
    List<NodeEvent> copy = new ArrayList<>();
    lock.lock();
    try {
      events.copyTo(copy);
      if (withAllowed) {
        allowed.copyTo(copy);
      }
    } finally {
      lock.unlock();
    }
    return copy.stream()
        .filter(event -> event.sequence() > after)
        .sorted(Comparator.comparingLong(NodeEvent::sequence))
        .toList();
  }

  /** The same, with allowed flows if wanted, waiting up to {@code timeout} for the first one. */
  public List<NodeEvent> awaitAfter(long after, boolean withAllowed, Duration timeout)
      throws InterruptedException {
    long nanos = timeout.toNanos();
    lock.lock();
    try {
      while (events.last <= after && !(withAllowed && allowed.last > after) && nanos > 0) {
        nanos = added.awaitNanos(nanos);
      }
    } finally {
      lock.unlock();
    }
    return after(after, withAllowed);
  }

  /** Ends with {@link #close}. */
  public interface Following extends AutoCloseable {
    @Override
    void close();
  }
}
