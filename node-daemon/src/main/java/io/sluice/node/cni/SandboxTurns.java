package io.sluice.node.cni;

import io.sluice.cni.protocol.CniError;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Lets one call at a time attach the same sandbox: of two, one that fails would take back what the
 * other has been promised. Any thread.
 */
final class SandboxTurns {
  private final Set<String> underWay = new HashSet<>();

  /**
   * Waits for the turn.
   *
   * @param deadlineNanos of {@link System#nanoTime}
   * @throws CniError when it has not come by then
   */
  synchronized void begin(String containerId, long deadlineNanos) throws InterruptedException {
    while (!underWay.add(containerId)) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
      if (left <= 0) {
        throw new CniError(
            CniError.TRY_AGAIN,
            "another call attaches sandbox " + containerId + " still",
            "the runtime tries again");
      }
      wait(left);
    }
  }

  /** Ends the turn. */
  synchronized void end(String containerId) {
    underWay.remove(containerId);
    notifyAll();
  }
}
