package io.sluice.proxy.accept;

import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Accepted sockets that wait for one loop. Pods take turns, so that one that calls as fast as it
 * can waits behind itself, and a slice at a time: between two the loop looks at its sockets.
 */
final class Arrivals {
  /** Time for a few connections, short beside what anybody notices. */
  private static final long SLICE_NANOS = 500_000;

  private final EventLoop executor;
  private final Map<Object, ArrayDeque<Runnable>> waiting = new HashMap<>(); // guarded by this
  private final ArrayDeque<Object> turns = new ArrayDeque<>(); // guarded by this; those that wait
  private boolean scheduled; // guarded by this

  Arrivals(EventLoop executor) {
    this.executor = executor;
  }

  /**
   * Lets it begin in its turn. Any thread.
   *
   * @throws RejectedExecutionException when the loop has ended; nothing has been taken then
   */
  synchronized void add(Object pod, Runnable arrival) {
    if (!scheduled) {
      executor.execute(this::slice);
      scheduled = true;
    }
    ArrayDeque<Runnable> own = waiting.computeIfAbsent(pod, _ -> new ArrayDeque<>());
    if (own.isEmpty()) {
      turns.add(pod);
    }
    own.add(arrival);
  }

  /** Whether one has not begun yet. */
  synchronized boolean isWaiting() {
    return scheduled;
  }

  private void slice() {
    long begin = System.nanoTime();
    try {
      do {
        Runnable next = poll();
        if (next == null) {
          break;
        }
        next.run();
      } while (System.nanoTime() - begin < SLICE_NANOS);
    } finally {
      goOn();
    }
  }

  private synchronized @Nullable Runnable poll() {
    Object pod = turns.poll();
    ArrayDeque<Runnable> own = pod == null ? null : waiting.get(pod);
    if (pod == null || own == null) {
      return null;
    }
    Runnable next = own.poll();
    if (own.isEmpty()) {
      waiting.remove(pod);
    } else {
      turns.add(pod);
    }
    return next;
  }

  private synchronized void goOn() {
    scheduled = !turns.isEmpty();
    if (scheduled) {
      // By the timer's queue, which is asked only after the sockets.
      executor.schedule(this::slice, 0, TimeUnit.NANOSECONDS);
    }
  }
}
