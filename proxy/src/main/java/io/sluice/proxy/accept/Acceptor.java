package io.sluice.proxy.accept;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.IntUnaryOperator;
import java.util.function.Supplier;

/** Accepts on one listener and gives each connection to a loop. Runs on the listener's loop. */
final class Acceptor extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = System.getLogger(Acceptor.class.getName());

  /** Pause after a failed accept (no descriptors left), so that the loop does not spin. */
  private static final long PAUSE_MILLIS = 100;

  /**
   * How many outbound connections of the pod the listener's loop may have more than that with
   * fewest before that takes one (ADR 55). With 2, four short connections at once have both loops
   * awake.
   */
  static final int MOST_AHEAD = 4;

  private static final Duration LONGEST_CALLED = Duration.ofSeconds(1);

  private final DataPath path;
  private final Pod pod;
  private final Direction direction;
  private final EpollServerSocketChannel channel;
  private final Loop listenerLoop;
  private final List<Loop> loops;
  private final Supplier<Loop> nextLoop;
  private long lastAcceptNanos = System.nanoTime();

  /** Owns {@code listener}'s descriptor from now on. */
  Acceptor(
      DataPath path,
      Pod pod,
      ListenerFd listener,
      Loop listenerLoop,
      List<Loop> loops,
      Supplier<Loop> nextLoop) {
    this.path = path;
    this.pod = pod;
    this.direction = listener.direction();
    this.listenerLoop = listenerLoop;
    this.loops = loops;
    this.nextLoop = nextLoop;
    this.channel = new EpollServerSocketChannel(listener.fd());
    channel.config().setAutoRead(false); // until accept()
    pod.account.own(channel);
    keepAlive();
    channel.pipeline().addLast(this);
  }

  /** What is accepted has it from the listener. */
  private void keepAlive() {
    try {
      AdoptedSockets.keepAlive(channel, path.settings.keepAlive());
    } catch (IOException e) {
      LOG.log(Level.WARNING, "keep_alive_not_set pod=" + pod.name, e);
    }
  }

  Direction direction() {
    return direction;
  }

  /** Where it listens, inside the pod. */
  InetSocketAddress address() {
    return channel.localAddress();
  }

  ChannelFuture start() {
    pod.listeners.incrementAndGet();
    channel.closeFuture().addListener(closed -> pod.listeners.decrementAndGet());
    return listenerLoop.executor.register(channel);
  }

  /** Takes what arrives from now on, and what waits; after {@link #start}. Any thread. */
  void accept() {
    channel.config().setAutoRead(true);
  }

  /** Closes a listener that was never started. */
  void abandon() {
    channel.unsafe().closeForcibly();
  }

  ChannelFuture close() {
    return channel.isOpen() ? channel.close() : channel.closeFuture();
  }

  /**
   * A second descriptor of the listener, which so outlives {@link #close}; made by the caller's
   * way.
   */
  ListenerFd second(IntUnaryOperator duplicate) {
    return new ListenerFd(duplicate.applyAsInt(channel.fd().intValue()), direction);
  }

  /**
   * Goes on accepting until nothing came for {@code idleNanos}, then closes; whoever goes on
   * calling keeps it open for a second more at most. Any thread.
   */
  ChannelFuture closeWhenIdle(long idleNanos) {
    channel
        .eventLoop()
        .execute(() -> {
          lastAcceptNanos = System.nanoTime();
          checkIdle(idleNanos, lastAcceptNanos + idleNanos + LONGEST_CALLED.toNanos());
        });
    return channel.closeFuture();
  }

  private void checkIdle(long idleNanos, long endNanos) {
    long now = System.nanoTime();
    long left = Math.min(lastAcceptNanos + idleNanos - now, endNanos - now);
    if (left <= 0) {
      channel.close();
    } else {
      channel
          .eventLoop()
          .schedule(() -> checkIdle(idleNanos, endNanos), left, TimeUnit.NANOSECONDS);
    }
  }

  /**
   * A pod's connection stays with the loop that accepts it, since that is awake: another would have
   * to be woken, which makes a short connection a third dearer. Inbound connections are spread: one
   * may carry all streams of another node.
   */
  private Loop loopOfNext() {
    if (direction == Direction.INBOUND) {
      return nextLoop.get();
    }
    AtomicIntegerArray counts = pod.outbound;
    int fewest = listenerLoop.index;
    for (int i = 1; i < counts.length(); i++) { // from here on, so that pods do not all meet there
      int other = (listenerLoop.index + i) % counts.length();
      fewest = counts.get(other) < counts.get(fewest) ? other : fewest;
    }
    boolean stays = counts.get(listenerLoop.index) - counts.get(fewest) < MOST_AHEAD;
    return stays ? listenerLoop : loops.get(fewest);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    EpollSocketChannel child = (EpollSocketChannel) message;
    InetSocketAddress peer = child.remoteAddress();
    if (path.sockets.isPathCheck(pod.name, direction, child.fd().intValue(), peer)) {
      // Not by reset: after one from this side, connection tracking holds on to the translation,
      // and
      // the next check from the same ports would not ask the rules.
      child.unsafe().closeForcibly();
      return;
    }
    lastAcceptNanos = System.nanoTime();
    path.accepted.increment();
    Loop loop = loopOfNext();
    loop.began(pod, direction);
    Arrival arrival = new Arrival(path, pod, loop, direction, child);
    try {
      loop.turns.add(pod.account, arrival);
    } catch (RejectedExecutionException e) {
      arrival.abandon();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.log(Level.WARNING, "accept_failed pod=" + pod.name + " direction=" + direction, cause);
    if (channel.isOpen()) {
      channel.config().setAutoRead(false);
      channel
          .eventLoop()
          .schedule(() -> channel.config().setAutoRead(true), PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    }
  }
}
