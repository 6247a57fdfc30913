package io.sluice.proxy.accept;

import io.netty.channel.EventLoop;
import io.sluice.proxy.decide.Affected;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Judges the open connections of one loop again after a snapshot, by the latest one and a slice at
 * a time: between two slices the loop looks at its sockets. Everything but {@link #add} runs on the
 * loop.
 */
final class Rejudgement {
  private static final System.Logger LOG = System.getLogger(Rejudgement.class.getName());

  /** As long as bytes may wait for it; short beside the 100 ms within which all is done. */
  private static final long SLICE_NANOS = 1_000_000;

  private final EventLoop executor;
  private final List<Connection> connections;
  private final Runnable before;
  private final AtomicReference<@Nullable Affected> due = new AtomicReference<>();
  private @Nullable Affected current; // of the pass that runs
  private int left;

  /**
   * @param connections the loop's own list, of which a connection that ends leaves by the last one
   *     taking its place; new ones come to its end, and are judged by the latest snapshot already
   * @param before ends what nobody uses, which has nothing to be judged for
   */
  Rejudgement(EventLoop executor, List<Connection> connections, Runnable before) {
    this.executor = executor;
    this.connections = connections;
    this.before = before;
  }

  /** Judges these soon, together with others that wait for it. Any thread. */
  void add(Affected affected) {
    Affected waiting =
        due.getAndAccumulate(affected, (known, more) -> known == null ? more : known.and(more));
    if (waiting == null && !executor.isShuttingDown()) {
      executor.execute(this::begin);
    }
  }

  /** One that fails must not keep the others from being judged. */
  private static void judge(Connection connection, Affected affected) {
    try {
      connection.judgeAgain(affected);
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "connection_not_judged_again", e);
    }
  }

  /** The others are judged, whatever becomes of it. */
  private void endUnused() {
    try {
      before.run();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "connection_not_judged_again", e);
    }
  }

  private void begin() {
    if (current == null) {
      current = due.getAndSet(null);
      left = connections.size();
      slice();
    }
  }

  private void slice() {
    Affected affected = current;
    if (affected == null) {
      return;
    }
    endUnused();
    long start = System.nanoTime();
    while (left > 0) {
      left = Math.min(left, connections.size()) - 1;
      if (left < 0) {
        break;
      }
      judge(connections.get(left), affected);
      if (System.nanoTime() - start > SLICE_NANOS) {
        // By the timer's queue, which is asked only after the sockets.
        executor.schedule(this::slice, 0, TimeUnit.NANOSECONDS);
        return;
      }
    }
    current = null;
    if (due.get() != null) {
      executor.execute(this::begin);
    }
  }
}
