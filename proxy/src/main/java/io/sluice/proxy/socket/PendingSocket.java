package io.sluice.proxy.socket;

import io.netty.channel.EventLoop;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One wish for a connected socket until it is settled: its deadline, and what becomes of a
 * descriptor that nobody wants any more. Event loop, but for what opens the socket.
 */
public final class PendingSocket {
  /** Hears at most one of the two, on the event loop, possibly before {@code open} returns. */
  public interface Listener {
    /** The socket is made, not connected; the listener owns the descriptor. */
    void made(int fd);

    /** No socket could be made. */
    void notMade(@Nullable Throwable failure);
  }

  private static final Logger LOG = System.getLogger(PendingSocket.class.getName());

  private final EventLoop loop;
  private @Nullable Future<?> deadline;
  private boolean settled;

  /** A wish on this loop. */
  public PendingSocket(EventLoop loop) {
    this.loop = loop;
  }

  /**
   * Asks for the socket; call once.
   *
   * @param within time from here to {@link #settle}
   * @param late what to do when it is over
   * @param opener makes the descriptor; may complete on any thread, exceptionally too, or throw
   */
  public void open(
      Duration within,
      Runnable late,
      Supplier<CompletableFuture<Integer>> opener,
      Listener listener) {
    deadline = loop.schedule(late, within.toNanos(), TimeUnit.NANOSECONDS);
    CompletableFuture<Integer> opening;
    try {
      opening = opener.get();
    } catch (RuntimeException e) {
      opening = CompletableFuture.failedFuture(e);
    }
    var _ = opening.whenComplete((fd, failure) -> opened(fd, failure, listener));
  }

  /** Any thread. */
  private void opened(@Nullable Integer fd, @Nullable Throwable failure, Listener listener) {
    if (loop.inEventLoop()) {
      handOver(fd, failure, listener);
      return;
    }
    try {
      loop.execute(() -> handOver(fd, failure, listener));
    } catch (RejectedExecutionException e) {
      closeUnused(fd);
    }
  }

  private void handOver(@Nullable Integer fd, @Nullable Throwable failure, Listener listener) {
    if (settled) {
      closeUnused(fd);
    } else if (fd == null) {
      listener.notMade(failure);
    } else {
      listener.made(fd);
    }
  }

  /** Whether it is over, one way or the other. */
  public boolean isSettled() {
    return settled;
  }

  /** It is over: the deadline passes unnoticed, and a socket that comes is closed. */
  public void settle() {
    settled = true;
    Timers.cancel(deadline);
    deadline = null;
  }

  /** Closes a descriptor that became nothing. */
  public static void closeUnused(@Nullable Integer fd) {
    if (fd == null) {
      return;
    }
    try {
      new FileDescriptor(fd).close();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "socket_close_failed fd=" + fd, e);
    }
  }
}
