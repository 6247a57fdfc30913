package io.sluice.control.registry;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The same thing again and again, on a virtual thread of its own, until it is closed. A round that
 * is under way ends first: nobody interrupts it.
 */
public final class Rounds implements AutoCloseable {
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Supplier<Duration> round;
  private final Thread thread;

  /**
   * Starts nothing.
   *
   * @param round returns the pause until the next; what it throws ends the thread
   */
  public Rounds(String name, Supplier<Duration> round) {
    this.round = round;
    this.thread = Thread.ofVirtual().name(name).unstarted(this::run);
  }

  /** Begins; called once. */
  public void start() {
    thread.start();
  }

  private void run() {
    try {
      Duration pause = Duration.ZERO;
      while (!closing.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
        pause = round.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does
    }
  }

  /** Whether no other round follows. */
  public boolean areClosing() {
    return closing.getCount() == 0;
  }

  @Override
  public void close() {
    closing.countDown();
    awaitEnd(thread);
  }

  /**
   * Returns when {@code running} has ended; at once where there is none, or it is the caller. An
   * interrupt is kept for the caller: what close() promises holds even then.
   */
  public static void awaitEnd(@Nullable Thread running) {
    if (running == null || running == Thread.currentThread()) {
      return;
    }
    boolean interrupted = false;
    while (running.isAlive()) {
      try {
        running.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
