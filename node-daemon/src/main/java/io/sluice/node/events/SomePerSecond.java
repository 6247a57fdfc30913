package io.sluice.node.events;

import io.sluice.mesh.NamespacedName;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Lets some of what happens to each pod in a second pass, and ten pods' shares of all: a busy pod
 * leaves room for a quiet one. Where all are given away, asking costs two reads.
 */
final class SomePerSecond {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final int PODS = 10;

  private final int share;
  private final Map<NamespacedName, Integer> given = new HashMap<>(); // under the lock
  private int all; // under the lock
  private volatile boolean spent;
  private volatile long end = System.nanoTime(); // written under the lock

  /**
   * Nobody has had any yet.
   *
   * @param share of each pod
   */
  SomePerSecond(int share) {
    this.share = share;
  }

  /** Takes one; any thread. */
  boolean take(NamespacedName pod, long nanos) {
    return (!spent || nanos - end >= 0) && takeOne(pod, nanos);
  }

  private synchronized boolean takeOne(NamespacedName pod, long nanos) {
    if (nanos - end >= 0) {
      given.clear();
      all = 0;
      end = nanos + SECOND;
      spent = false;
    }
    if (all == share * PODS || given.getOrDefault(pod, 0) == share) {
      return false;
    }
    given.merge(pod, 1, Integer::sum);
    all++;
    spent = all == share * PODS;
    return true;
  }
}
