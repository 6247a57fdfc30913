package io.sluice.node.events;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongFunction;
import java.util.stream.Stream;

/**
 * The latest events, oldest forgotten first. Allowed flows are kept only while somebody follows
 * them, and beside the others: they push none of those out. Any thread; the lock is held for the
 * time of one insertion or copy.
 */
public final class EventLog {
  /** Events kept: about 1 MiB; and as many allowed flows. */
  public static final int CAPACITY = 2_048;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition added = lock.newCondition();
  private final Deque<NodeEvent> events = new ArrayDeque<>(CAPACITY);
  private final Deque<NodeEvent> allowed = new ArrayDeque<>();
  private long nextSequence = 1;
  private volatile int followersOfAllowed;

  /** Adds the event that {@code maker} makes for its sequence number. */
  public void add(LongFunction<NodeEvent> maker) {
    add(maker, events);
  }

  /** The same of a flow that was allowed, which is for who {@link #followAllowed follows} those. */
  public void addAllowed(LongFunction<NodeEvent> maker) {
    add(maker, allowed);
  }

  private void add(LongFunction<NodeEvent> maker, Deque<NodeEvent> kept) {
    lock.lock();
    try {
      if (kept.size() == CAPACITY) {
        kept.removeFirst();
      }
      kept.addLast(maker.apply(nextSequence++));
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
    lock.lock();
    try {
      return Stream.concat(events.stream(), withAllowed ? allowed.stream() : Stream.empty())
          .filter(event -> event.sequence() > after)
          .sorted(Comparator.comparingLong(NodeEvent::sequence))
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /** The same, with allowed flows if wanted, waiting up to {@code timeout} for the first one. */
  public List<NodeEvent> awaitAfter(long after, boolean withAllowed, Duration timeout)
      throws InterruptedException {
    long nanos = timeout.toNanos();
    lock.lock();
    try {
      List<NodeEvent> found = after(after, withAllowed);
      while (found.isEmpty() && nanos > 0) {
        nanos = added.awaitNanos(nanos);
        found = after(after, withAllowed);
      }
      return found;
    } finally {
      lock.unlock();
    }
  }

  /** Ends with {@link #close}. */
  public interface Following extends AutoCloseable {
    @Override
    void close();
  }
}
