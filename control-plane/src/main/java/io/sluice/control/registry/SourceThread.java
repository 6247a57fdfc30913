package io.sluice.control.registry;

import org.jspecify.annotations.Nullable;

/** The end of a thread that delivers to a consumer. */
public final class SourceThread {
  private SourceThread() {}

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
