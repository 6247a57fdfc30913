package io.sluice.node.export;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What waits for one collector, the oldest first, with what is on its way; and until when its one
 * taker has nothing to do. Any thread adds, for which nobody is woken but by the first one and by
 * one that makes a batch full.
 */
final class Waiting {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Ring ring = new Ring(); // this and all below: under the lock
  private final long gatheringNanos;
  private int full; // a batch that is sent without waiting for more
  private long dueNanos; // of the oldest, unless there is none
  private long nextDueNanos; // of what is left behind the batch on its way
  private boolean isPaused;
  private boolean isPauseAsked; // by the collector: not even the end makes it shorter
  private long pausedUntilNanos;
  private boolean isWoken;
  private boolean isEnding;
  private long lastNanos; // where it is ending
  private boolean isClosed;
  private volatile int count; // of what is there; this and the next: written under the lock
  private volatile int octets;

  /**
   * Empty.
   *
   * @param gathering how long the first of a batch waits for others
   */
  Waiting(Duration gathering) {
    gatheringNanos = gathering.toNanos();
  }

  /**
   * Never blocks for long. Returns whether it waits: else there is no room, or no taker.
   *
   * @param room how many may wait
   * @param octetsRoom and of how many octets
   */
  boolean add(byte[] from, int length, String source, long room, long octetsRoom) {
    lock.lock();
    try {
      if (isClosed || count >= room || ring.octets() + length > octetsRoom) {
        return false;
      }
      ring.add(from, length, source);
      count = ring.count();
      octets = ring.octets();
      if (count == 1) {
        dueNanos = System.nanoTime() + gatheringNanos;
        changed.signal();
      } else if (count == full) {
        changed.signal();
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  int size() {
    return count;
  }

  int octets() {
    return octets;
  }

  /**
   * Waits until a batch is to be sent: when so many wait, when the oldest has waited for long
   * enough, or all at the end, but not before a pause is over. Returns false where none is: when
   * that moment has come, somebody has woken it, or it is over.
   */
  boolean await(int batch, long untilNanos) throws InterruptedException {
    lock.lock();
    try {
      full = batch;
      while (true) {
        long now = System.nanoTime();
        if (isWoken || isOver(now)) {
          isWoken = false;
          return false;
        }
        long due = count == 0 ? Long.MAX_VALUE : nanosToNext(now);
        if (due <= 0) {
          return true;
        }
        long left = Math.min(due, untilNanos - now);
        if (left <= 0) {
          return false;
        }
        changed.awaitNanos(isEnding ? Math.min(left, lastNanos - now) : left);
      }
    } finally {
      lock.unlock();
    }
  }

  private long nanosToNext(long now) {
    long gathering = isEnding || count >= full ? 0 : dueNanos - now;
    long pause = isPaused && (!isEnding || isPauseAsked) ? pausedUntilNanos - now : 0;
    return Math.max(gathering, pause);
  }

  /** The oldest, which go on waiting until they are {@linkplain #remove removed}. */
  Batch oldest(int most, int mostOctets) {
    lock.lock();
    try {
      isPaused = false;
      Batch batch = ring.oldest(most, mostOctets);
      // What comes from now on is younger; what is there already is as old as the batch may be.
      nextDueNanos = batch.count() < count ? dueNanos : System.nanoTime() + gatheringNanos;
      return batch;
    } finally {
      lock.unlock();
    }
  }

  /** So many of the oldest have got their end; returns their octets. */
  int remove(int some) {
    lock.lock();
    try {
      int before = ring.octets();
      ring.remove(some);
      count = ring.count();
      octets = ring.octets();
      dueNanos = nextDueNanos;
      return before - ring.octets();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Nothing is sent for so long. At the end no pause of our own is waited for, and what fails then
   * is not tried again.
   */
  void pause(Duration pause, boolean isAsked) {
    lock.lock();
    try {
      isPaused = true;
      isPauseAsked = isAsked;
      pausedUntilNanos = System.nanoTime() + pause.toNanos();
      if (isEnding) {
        lastNanos = System.nanoTime();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Its taker is to look round. */
  void wake(boolean endsPause) {
    lock.lock();
    try {
      isWoken = true;
      isPaused &= !endsPause;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** What waits is sent once more, for so long. */
  void end(Duration longest) {
    lock.lock();
    try {
      isEnding = true;
      lastNanos = System.nanoTime() + longest.toNanos();
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Whether nothing is to be sent any more. */
  boolean isOver() {
    lock.lock();
    try {
      return isOver(System.nanoTime());
    } finally {
      lock.unlock();
    }
  }

  private boolean isOver(long now) {
    return isEnding && (count == 0 || now - lastNanos >= 0);
  }

  /** Takes nothing from now on; returns what is left. */
  Batch close() {
    lock.lock();
    try {
      isClosed = true;
      Batch left = ring.oldest(count, Integer.MAX_VALUE);
      ring.remove(count);
      count = 0;
      octets = 0;
      return left;
    } finally {
      lock.unlock();
    }
  }
}
