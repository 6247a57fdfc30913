package io.sluice.node.events;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongFunction;

/**
 * The latest events, oldest forgotten first. Any thread; the lock is held for the time of one
 * insertion or copy.
 */
public final class EventLog {
  /** Events kept: about 1 MiB. */
  public static final int CAPACITY = 2_048;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition added = lock.newCondition();
  private final Deque<NodeEvent> events = new ArrayDeque<>(CAPACITY);
  private long nextSequence = 1;

  /** Adds the event that {@code maker} makes for its sequence number. */
  public void add(LongFunction<NodeEvent> maker) {
    lock.lock();
    try {
      if (events.size() == CAPACITY) {
        events.removeFirst();
      }
      events.addLast(maker.apply(nextSequence++));
      added.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Events with a sequence number above {@code after}, oldest first. */
  public List<NodeEvent> after(long after) {
    lock.lock();
    try {
      return new ArrayList<>(events.stream().filter(e -> e.sequence() > after).toList());
    } finally {
      lock.unlock();
    }
  }

  /** The same, waiting up to {@code timeout} for the first one. */
  public List<NodeEvent> awaitAfter(long after, Duration timeout) throws InterruptedException {
    long nanos = timeout.toNanos();
    lock.lock();
    try {
      while (nextSequence - 1 <= after && nanos > 0) {
        nanos = added.awaitNanos(nanos);
      }
    } finally {
      lock.unlock();
    }
    return after(after);
  }
}
