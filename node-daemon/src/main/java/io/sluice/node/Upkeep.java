package io.sluice.node;

import io.sluice.interception.NamespaceSockets;
import io.sluice.linux.memory.ProcessMemory;

/**
 * What a running daemon gives back to the kernel, looked at every half minute by the enrolment
 * thread: sockets that wait unused, memory that native code has freed, and classes that nobody
 * looks at; and what is to be noted now and then.
 */
final class Upkeep implements Runnable {
  /**
   * Runs between two trims, ten minutes. The first run trims, for half a minute after the start the
   * JVM's compiler has freed some 5 MiB, and of its classes a third is in use; later only bursts of
   * load leave that much.
   */
  private static final int RUNS_PER_TRIM = 20;

  private final NamespaceSockets sockets;
  private final Runnable notes;
  private int runs; // the enrolment thread's own

  Upkeep(NamespaceSockets sockets, Runnable notes) {
    this.sockets = sockets;
    this.notes = notes;
  }

  @Override
  public void run() {
    sockets.releaseIdle();
    notes.run();
    if (runs++ % RUNS_PER_TRIM == 0) {
      ProcessMemory.releaseUnused();
      ProcessMemory.releasePreparedClasses();
    }
  }
}
