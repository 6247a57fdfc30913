package io.sluice.linux.process;

import java.io.IOException;

/**
 * Starts programs one at a time, so that none is left half started when this process is killed.
 *
 * <p>The JDK starts a program by way of a helper of its own ({@code jspawnhelper}), which reads
 * from a pipe what to run. A helper inherits the pipes of another that starts in the same moment.
 * Killed just then, the parent leaves two that hold each other's pipe open and wait for ever, and
 * with them every socket of the parent's that closes on no exec: callers of the next daemon's
 * sockets would still be queued by the dead one's. Alone, a helper sees the end of its pipe and
 * ends.
 */
public final class Children {
  private static final Object STARTING = new Object();

  private Children() {}

  /**
   * As {@link ProcessBuilder#start}. Any thread; waits for another start, some milliseconds.
   *
   * @throws IOException where the program is not there or may not be run
   */
  public static Process start(ProcessBuilder builder) throws IOException {
    synchronized (STARTING) {
      return builder.start();
    }
  }
}
