package io.sluice.node.enrolment;

import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Work that other threads ask of the enrolment thread, which does it between its own steps: a
 * runtime that waits must not wait for a whole sweep.
 */
final class CallQueue {
  private final Queue<Call<?>> calls = new ConcurrentLinkedQueue<>();
  private volatile boolean closed;

  private record Call<T>(Callable<T> work, CompletableFuture<T> result) {
    void run() {
      if (result.isDone()) {
        return; // nobody waits any more
      }
      try {
        result.complete(work.call());
      } catch (Exception | Error e) {
        // Belongs to the caller, whatever it is.
        result.completeExceptionally(e);
        if (e instanceof Error error) {
          throw error; // and to the thread, which may be of no use any more
        }
      }
    }

    void refuse() {
      result.completeExceptionally(new CancellationException("the daemon is stopping"));
    }
  }

  /** Takes work; any thread. */
  <T> CompletableFuture<T> submit(Callable<T> work) {
    Call<T> call = new Call<>(work, new CompletableFuture<>());
    calls.add(call);
    if (closed) {
      call.refuse();
    }
    return call.result();
  }

  /** Does what is there, and says whether that was anything; the enrolment thread. */
  boolean run() {
    boolean isAny = false;
    for (Call<?> call = calls.poll(); call != null; call = calls.poll()) {
      call.run();
      isAny = true;
    }
    return isAny;
  }

  /** Refuses what is there and what comes; any thread. */
  void close() {
    closed = true;
    for (Call<?> call = calls.poll(); call != null; call = calls.poll()) {
      call.refuse();
    }
  }
}
