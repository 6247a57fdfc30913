package io.sluice.interception;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.socket.Sockets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Unconnected sockets of one family made ahead inside one pod. Entering a namespace costs a change
 * of threads and seven system calls; a pod that opens connections often pays that once for many. A
 * pod that opens few has none waiting. Any thread.
 */
final class SocketReserve implements AutoCloseable {
  /** Sockets that may wait, about 3 KiB of kernel memory each. */
  static final int MOST = 16;

  private final NetnsThread namespaces;
  private final NetnsHandle netns;
  private final Sockets.Family family;

  // Guarded by this.
  private final ArrayDeque<Integer> waiting = new ArrayDeque<>();
  private int wanted; // doubles with every miss, so that single connections make no reserve
  private boolean refilling;
  private boolean used;
  private boolean closed;

  /** Empty at first; {@code netns} stays the caller's and outlives this object. */
  SocketReserve(NetnsThread namespaces, NetnsHandle netns, Sockets.Family family) {
    this.namespaces = namespaces;
    this.netns = netns;
    this.family = family;
  }

  /**
   * A non-blocking unconnected TCP socket, which is the caller's; at once where one waits. Fails
   * with what making one failed with.
   */
  CompletableFuture<Integer> take() {
    Integer ready;
    int missing;
    synchronized (this) {
      used = true;
      ready = waiting.poll();
      if (ready == null) {
        wanted = Math.min(MOST, wanted * 2 + 1);
      }
      missing = refilling || closed || waiting.size() > wanted / 2 ? 0 : wanted - waiting.size();
      refilling |= missing > 0;
    }
    // The caller's own first: it waits for it.
    CompletableFuture<Integer> taken =
        ready != null
            ? CompletableFuture.completedFuture(ready)
            : namespaces.submit(netns, () -> Sockets.tcpSocket(family));
    if (missing > 0) {
      var _ = namespaces.submit(netns, () -> make(missing)).handle(this::refilled);
    }
    return taken;
  }

  private List<Integer> make(int count) {
    List<Integer> made = new ArrayList<>(count);
    try {
      for (int i = 0; i < count; i++) {
        made.add(Sockets.tcpSocket(family));
      }
      return made;
    } catch (RuntimeException e) {
      made.forEach(Sockets::close);
      throw e;
    }
  }

  /** A failure is nobody's: whoever finds the reserve empty makes a socket and is told. */
  private synchronized Void refilled(List<Integer> made, Throwable failure) {
    refilling = false;
    if (failure == null) {
      if (closed) {
        made.forEach(Sockets::close);
      } else {
        waiting.addAll(made);
      }
    }
    return null;
  }

  /** Closes what waits if nobody took a socket since the last call. */
  synchronized void releaseIfIdle() {
    if (!used) {
      empty();
    }
    used = false;
  }

  private void empty() {
    waiting.forEach(Sockets::close);
    waiting.clear();
    wanted = 0;
  }

  /** Closes what waits, and what is being made as soon as it is there. */
  @Override
  public synchronized void close() {
    closed = true;
    empty();
  }
}
