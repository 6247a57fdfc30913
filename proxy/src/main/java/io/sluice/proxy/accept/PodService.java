package io.sluice.proxy.accept;

import io.netty.channel.ChannelFuture;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.PodListeners;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The set of listeners that a pod has at one time. Any thread. */
final class PodService {
  private static final Logger LOG = System.getLogger(PodService.class.getName());

  /** What is on its way inside a node takes less. */
  private static final Duration LAST_ARRIVALS = Duration.ofMillis(20);

  private final List<Acceptor> acceptors = new ArrayList<>();
  private @Nullable PodService earlier; // guarded by this
  private long idleNanos; // guarded by this
  private boolean keepsEarlier; // guarded by this
  private boolean accepts; // guarded by this

  /**
   * Takes the descriptors; when one cannot be used, all are closed and the failure is thrown.
   *
   * @param listenerLoop of both families, so that they share what the loop keeps
   * @param loops all of them
   * @param nextLoop of them in turn
   */
  PodService(
      DataPath path,
      Pod pod,
      PodListeners listeners,
      Loop listenerLoop,
      List<Loop> loops,
      Supplier<Loop> nextLoop) {
    List<ListenerFd> unused = new ArrayList<>(listeners.listeners());
    try {
      while (!unused.isEmpty()) {
        acceptors.add(new Acceptor(path, pod, unused.getFirst(), listenerLoop, loops, nextLoop));
        unused.removeFirst();
      }
    } catch (RuntimeException e) {
      acceptors.forEach(Acceptor::abandon);
      unused.forEach(PodService::closeUnused);
      throw e;
    }
  }

  /** Where it listens, and for what. */
  Map<InetSocketAddress, Direction> addresses() {
    return acceptors.stream().collect(Collectors.toMap(Acceptor::address, Acceptor::direction));
  }

  /** Completes when all may {@link #accept}; on failure all are closed. */
  CompletableFuture<Void> start() {
    CompletableFuture<Void> started = all(acceptors.stream().map(Acceptor::start).toList());
    return started.whenComplete((done, failure) -> {
      if (failure != null) {
        close();
      }
    });
  }

  /** Takes what arrives, from the first that waits, also what waits for {@code earlier}. */
  synchronized void accept() {
    acceptors.forEach(Acceptor::accept);
    accepts = true;
    if (earlier != null) {
      earlier.accept();
      closeEarlier();
    }
  }

  /**
   * Keeps another set until this one accepts, and closes it once nothing has come for {@code
   * idleNanos} after that. Before {@link #accept}.
   *
   * @param kept until {@link #leaveEarlier}, though nothing comes
   */
  synchronized void follow(PodService before, long idle, boolean kept) {
    earlier = before;
    idleNanos = idle;
    keepsEarlier = kept;
  }

  /** Needs the other set for nothing that is sent from now on. */
  synchronized void leaveEarlier() {
    keepsEarlier = false;
    closeEarlier();
  }

  /** Guarded by this. */
  private void closeEarlier() {
    PodService before = earlier;
    if (before != null && accepts && !keepsEarlier) {
      before.acceptors.forEach(acceptor -> acceptor.closeWhenIdle(idleNanos));
      earlier = null;
    }
  }

  /** Closes those of one direction. */
  CompletableFuture<Void> close(Direction direction) {
    return withEarlier(
        acceptors.stream().filter(acceptor -> acceptor.direction() == direction),
        Acceptor::close,
        before -> before.close(direction));
  }

  CompletableFuture<Void> close() {
    return withEarlier(acceptors.stream(), Acceptor::close, PodService::close);
  }

  private CompletableFuture<Void> withEarlier(
      Stream<Acceptor> own,
      Function<Acceptor, ChannelFuture> close,
      Function<PodService, CompletableFuture<Void>> closeBefore) {
    PodService before;
    synchronized (this) {
      before = earlier;
    }
    CompletableFuture<Void> closed = all(own.map(close).toList());
    return before == null ? closed : CompletableFuture.allOf(closed, closeBefore.apply(before));
  }

  /** Second descriptors of all listeners, for another process; all or none. */
  List<ListenerFd> second(IntUnaryOperator duplicate) {
    List<ListenerFd> made = new ArrayList<>();
    try {
      acceptors.forEach(acceptor -> made.add(acceptor.second(duplicate)));
      return made;
    } catch (RuntimeException e) {
      made.forEach(PodService::closeUnused);
      throw e;
    }
  }

  /** Closes once nothing comes any more of what was sent while connections were redirected. */
  CompletableFuture<Void> closeAfterLast() {
    return withEarlier(
        acceptors.stream(),
        acceptor -> acceptor.closeWhenIdle(LAST_ARRIVALS.toNanos()),
        PodService::close);
  }

  /** Completes when all have, with the failure of one that failed. */
  static CompletableFuture<Void> all(List<? extends Future<?>> futures) {
    List<CompletableFuture<Void>> bridged = new ArrayList<>();
    for (Future<?> future : futures) {
      CompletableFuture<Void> one = new CompletableFuture<>();
      future.addListener(done -> {
        Throwable failure = done.cause();
        if (failure == null) {
          one.complete(null);
        } else {
          one.completeExceptionally(failure);
        }
      });
      bridged.add(one);
    }
    return CompletableFuture.allOf(bridged.toArray(CompletableFuture[]::new));
  }

  /** Closes listeners that nobody will serve. */
  static void discard(PodListeners listeners) {
    listeners.listeners().forEach(PodService::closeUnused);
  }

  private static void closeUnused(ListenerFd listener) {
    try {
      new FileDescriptor(listener.fd()).close();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "listener_close_failed fd=" + listener.fd(), e);
    }
  }
}
