package io.sluice.cli.process;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * SIGTERM or SIGINT, and the orderly end behind it: the process lives on until {@link #close}, so
 * that what runs can drain. To be closed last, whatever became of the rest: the process ends when
 * the hook does, so it must not wait for a close that failed.
 */
public final class Termination implements AutoCloseable {
  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile boolean isOrderly;

  /** Holds the end of the process up from now on; before, it ends at once. */
  public void begin() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::hold, "sluice-shutdown"));
  }

  private void hold() {
    asked.countDown();
    try {
      done.await();
      if (isOrderly) {
        // The JVM would end with 143, which is a failure to whoever runs containers.
        Runtime.getRuntime().halt(0);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits until the end is asked for. */
  public void await() throws InterruptedException {
    asked.await();
  }

  /** Whether the end is asked for within that time. */
  public boolean await(long time, TimeUnit unit) throws InterruptedException {
    return asked.await(time, unit);
  }

  /** Says that all has ended as it was asked to, so that the exit code is 0. */
  public void succeeded() {
    isOrderly = asked.getCount() == 0;
  }

  /** Lets the process end. */
  @Override
  public void close() {
    done.countDown();
  }
}
