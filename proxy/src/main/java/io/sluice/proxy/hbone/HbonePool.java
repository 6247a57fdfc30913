package io.sluice.proxy.hbone;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.tls.TlsIdentity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * The client: streams over shared connections. Belongs to one event loop, because a stream and the
 * socket it is joined with must live on the same one; all methods but {@link #drain}, {@link
 * #release} and {@link #recheck} are called there.
 */
public final class HbonePool {
  private static final Duration DRAIN_CHECK = Duration.ofMillis(10);

  /** Hears exactly one of the two, on the event loop, possibly before {@code open} returns. */
  public interface Opening {
    /** The peer answered 200; the stream is to be started at once. */
    void opened(HboneStream stream);

    /** There is no stream. */
    void failed(OpenFailure failure);
  }

  final EventLoop loop;
  final HboneSettings settings;
  final ByteBufAllocator allocator;
  final Function<PoolKey, CompletableFuture<Integer>> sockets;
  final HboneEvents events;
  private final Map<PoolKey, PoolGroup> groups = new HashMap<>();
  private boolean draining;

  /**
   * A pool without connections.
   *
   * @param sockets makes a TCP socket inside the network namespace of the calling pod, for the
   *     family of the key's destination: non-blocking, close-on-exec, not connected. The pool owns
   *     the descriptor from the completion on, also when it is no longer wanted. May complete on
   *     any thread, exceptionally too; called on the event loop, so it must not block
   */
  public HbonePool(
      EventLoop loop,
      HboneSettings settings,
      ByteBufAllocator allocator,
      Function<PoolKey, CompletableFuture<Integer>> sockets,
      HboneEvents events) {
    this.loop = loop;
    this.settings = settings;
    this.allocator = allocator;
    this.sockets = sockets;
    this.events = events;
  }

  /**
   * Opens a stream on a connection that stands, or on a new one.
   *
   * @param identity to prove {@code key.source()} with
   * @param budget of the pod, which what waits for it is counted for
   * @param account that a new connection is charged to
   * @param patience how long room on a connection is waited for, and then the answer, where that is
   *     longer than usual: who gives up sooner says so
   * @return gives up, where nothing has been heard yet
   */
  public Runnable open(
      PoolKey key,
      TlsIdentity identity,
      BufferBudget budget,
      Account account,
      HboneRequest request,
      Duration patience,
      Opening opening) {
    if (draining) {
      opening.failed(OpenFailure.of(OpenFailure.Kind.CLOSED));
      return () -> {};
    }
    ClientOpening wanted =
        groups
            .computeIfAbsent(key, absent -> new PoolGroup(this, key, identity, budget, account))
            .open(identity, request, patience, opening);
    return wanted::giveUp;
  }

  void forget(PoolGroup group) {
    groups.remove(group.key, group);
  }

  /** Connections that stand or are being made. */
  public int connections() {
    return groups.values().stream().mapToInt(PoolGroup::size).sum();
  }

  /** Cuts the connections whose peers have come onto the deny list. Any thread. */
  public void recheck() {
    loop.execute(() -> List.copyOf(groups.values()).forEach(PoolGroup::recheck));
  }

  /** Cuts the connections of one pod, and fails what waits for one. Any thread. */
  public void release(NamespacedName pod) {
    loop.execute(() -> {
      for (PoolGroup group : List.copyOf(groups.values())) {
        if (group.key.pod().equals(pod)) {
          group.drain(Duration.ZERO);
        }
      }
    });
  }

  /**
   * Takes no more streams, lets those that run finish until {@code timeout} is over, then cuts the
   * rest. Completes when no connection is left. Any thread.
   */
  public CompletableFuture<Void> drain(Duration timeout) {
    CompletableFuture<Void> drained = new CompletableFuture<>();
    loop.execute(() -> {
      draining = true;
      new ArrayList<>(groups.values()).forEach(group -> group.drain(timeout));
      checkDrained(drained);
    });
    return drained;
  }

  private void checkDrained(CompletableFuture<Void> drained) {
    if (groups.isEmpty()) {
      drained.complete(null);
    } else {
      loop.schedule(() -> checkDrained(drained), DRAIN_CHECK.toMillis(), TimeUnit.MILLISECONDS);
    }
  }
}
