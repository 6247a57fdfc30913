package io.sluice.control.streaming;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/** Runs a task at least once after each signal, never twice at a time. Any thread. */
public final class Coalesced {
  private static final Logger LOG = System.getLogger(Coalesced.class.getName());

  private final Executor executor;
  private final Runnable task;
  private final AtomicInteger signals = new AtomicInteger();

  /** Runs {@code task} by {@code executor}; one that runs no more ends it quietly. */
  public Coalesced(Executor executor, Runnable task) {
    this.executor = executor;
    this.task = task;
  }

  /** Has the task run; returns at once. */
  public void signal() {
    if (signals.getAndIncrement() == 0) {
      try {
        executor.execute(this::run);
      } catch (RejectedExecutionException e) {
        LOG.log(Level.DEBUG, "nothing is distributed any more", e);
      }
    }
  }

  private void run() {
    int seen = 0;
    do {
      try {
        task.run();
      } catch (RuntimeException | Error e) {
        // Top frame: the next signal must find somebody who runs it.
        LOG.log(Level.ERROR, "distribution_failed", e);
      }
      seen = signals.addAndGet(-Math.max(seen, 1));
    } while (seen > 0);
  }
}
