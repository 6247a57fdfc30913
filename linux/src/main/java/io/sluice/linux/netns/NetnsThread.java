package io.sluice.linux.netns;

import java.util.ArrayDeque;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * One platform thread that runs short bodies inside network namespaces, for callers that must not
 * do it themselves (event loops, virtual threads). Bodies run in the order of submission. A thread
 * that cannot leave a namespace is ended and replaced, and the body's future gets the {@link
 * NamespaceLostError}.
 */
public final class NetnsThread implements AutoCloseable {
  private final String name;
  private final NetworkNamespaces namespaces;
  private final int capacity;
  private final ArrayDeque<Task<?>> queue = new ArrayDeque<>();
  private boolean closed;

  /**
   * Starts the thread.
   *
   * @param capacity bodies that may wait; further ones are refused
   */
  public NetnsThread(String name, NetworkNamespaces namespaces, int capacity) {
    this.name = name;
    this.namespaces = namespaces;
    this.capacity = capacity;
    start();
  }

  /**
   * Runs {@code body} inside {@code ns} on this object's thread; {@code ns} must stay open until
   * the future completes. The future completes on the thread itself, so dependents must be short;
   * it fails with RejectedExecutionException when the queue is full or this object is closed.
   */
  public <T> CompletableFuture<T> submit(NetnsHandle ns, Callable<T> body) {
    var result = new CompletableFuture<T>();
    synchronized (queue) {
      if (closed || queue.size() >= capacity) {
        result.completeExceptionally(
            new RejectedExecutionException(
                name + (closed ? " is closed" : " already has " + capacity + " bodies waiting")));
        return result;
      }
      queue.add(new Task<>(ns, body, result));
      queue.notifyAll();
    }
    return result;
  }

  /**
   * Takes no more bodies, lets the waiting ones run, then ends the thread. Does not wait for it.
   */
  @Override
  public void close() {
    synchronized (queue) {
      closed = true;
      queue.notifyAll();
    }
  }

  private void start() {
    Thread.ofPlatform().daemon().name(name).start(this::run);
  }

  private void run() {
    for (Task<?> task = next(); task != null; task = next()) {
      if (!task.run(namespaces)) {
        start();
        return;
      }
    }
  }

  private @Nullable Task<?> next() {
    synchronized (queue) {
      while (queue.isEmpty() && !closed) {
        try {
          queue.wait();
        } catch (InterruptedException e) {
          // Nobody else owns this thread: an interrupt comes from a body, and close() is how it
          // ends.
          continue;
        }
      }
      return queue.poll();
    }
  }

  private record Task<T>(NetnsHandle ns, Callable<T> body, CompletableFuture<T> result) {
    /** False when the thread must end. */
    boolean run(NetworkNamespaces namespaces) {
      try {
        result.complete(namespaces.callIn(ns, body::call));
        return true;
      } catch (NamespaceLostError e) {
        result.completeExceptionally(e);
        return false;
      } catch (Throwable e) { // top frame of the thread
        result.completeExceptionally(e);
        return true;
      }
    }
  }
}
