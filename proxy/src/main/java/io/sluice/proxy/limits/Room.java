package io.sluice.proxy.limits;

import java.util.concurrent.atomic.AtomicInteger;

/** How many places of one kind a whole node has, and how many are taken. Any thread. */
public final class Room {
  private final int most;
  private final AtomicInteger taken = new AtomicInteger();

  /** An empty one. */
  public Room(int most) {
    this.most = most;
  }

  boolean isFull() {
    return taken.get() >= most;
  }

  boolean isHalfTaken() {
    return 2 * taken.get() > most;
  }

  void take() {
    taken.incrementAndGet();
  }

  void leave() {
    taken.decrementAndGet();
  }

  /** Places that are taken now. */
  public int taken() {
    return taken.get();
  }
}
