package io.sluice.proxy;

import io.netty.channel.ChannelFuture;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to reach one upstream from inside the pod's network namespace, and the entry in
 * {@link LocalConnections} for as long as the connection lives. Runs on the connection's event
 * loop.
 */
final class Dial {
  /** Who asked, and decides what a failure means. */
  interface Owner {
    void failed(Reason reason);
  }

  private static final Logger LOG = System.getLogger(Dial.class.getName());

  /** A reset right behind the connect must not make the accepting side doubt who it was. */
  private static final long REMEMBER_MILLIS = 1_000;

  private final Connection connection;
  private final Owner owner;
  private final InetSocketAddress endpoint;
  private final Optional<InetSocketAddress> presentedClient;
  private final LocalConnections.Origin origin;
  private LocalConnections.@Nullable Tuple tuple;
  private @Nullable Leg leg;
  private @Nullable Future<?> deadline;
  private boolean settled;

  Dial(
      Connection connection,
      Owner owner,
      InetSocketAddress endpoint,
      Optional<InetSocketAddress> presentedClient,
      LocalConnections.Origin origin) {
    this.connection = connection;
    this.owner = owner;
    this.endpoint = endpoint;
    this.presentedClient = presentedClient;
    this.origin = origin;
  }

  void start() {
    connection.dialing(this);
    deadline =
        connection.loop.executor.schedule(
            () -> fail(Reason.CONNECT_TIMEOUT),
            connection.path.settings.connectTimeout().toNanos(),
            TimeUnit.NANOSECONDS);
    CompletableFuture<Integer> opening;
    try {
      opening =
          connection.path.sockets.open(
              connection.pod.name,
              Family.of(endpoint.getAddress()),
              presentedClient,
              connection.direction == Direction.INBOUND);
    } catch (RuntimeException e) {
      opening = CompletableFuture.failedFuture(e);
    }
    var _ = opening.whenComplete(this::socketOpened);
  }

  /** Any thread. */
  private void socketOpened(@Nullable Integer fd, @Nullable Throwable failure) {
    if (connection.loop.executor.inEventLoop()) {
      use(fd, failure);
      return;
    }
    try {
      connection.loop.executor.execute(() -> use(fd, failure));
    } catch (RejectedExecutionException e) {
      closeUnused(fd);
    }
  }

  private void use(@Nullable Integer fd, @Nullable Throwable failure) {
    if (settled) {
      closeUnused(fd);
    } else if (fd == null) {
      connection.path.failed("socket-open-failed", connection.pod.name, failure);
      fail(Reason.INTERNAL_ERROR);
    } else {
      adopt(fd);
    }
  }

  private void adopt(int fd) {
    EpollSocketChannel channel = null;
    Leg made;
    try {
      channel = AdoptedSockets.connecting(fd);
      channel.config().setConnectTimeoutMillis(0); // the deadline here covers the opening too
      made = new Leg(connection, channel);
    } catch (RuntimeException e) {
      connection.path.failed("socket-unusable", connection.pod.name, e);
      if (channel == null) {
        closeUnused(fd);
      } else {
        channel.unsafe().closeForcibly();
      }
      fail(Reason.INTERNAL_ERROR);
      return;
    }
    leg = made;
    connection
        .loop
        .executor
        .register(channel)
        .addListener(registered -> connect(made, registered.cause()));
  }

  private void connect(Leg made, @Nullable Throwable registrationFailure) {
    if (settled) {
      return;
    }
    if (registrationFailure != null) {
      fail(Reason.INTERNAL_ERROR);
      return;
    }
    LocalConnections known = connection.path.localConnections;
    ChannelFuture connecting;
    known.announce(endpoint);
    try {
      made.registered();
      connecting = made.channel.connect(endpoint);
      InetSocketAddress local = made.channel.localAddress();
      if (made.channel.isOpen() && local != null) {
        LocalConnections.Tuple ends = new LocalConnections.Tuple(local, endpoint);
        tuple = ends;
        known.add(ends, origin);
      }
    } finally {
      known.withdraw(endpoint);
    }
    connecting.addListener(future -> {
      if (settled) {
        return;
      }
      if (future.isSuccess()) {
        settle();
        connection.opened(made);
      } else {
        fail(ConnectFailures.reason(future.cause()));
      }
    });
  }

  private void fail(Reason reason) {
    if (!settled) {
      end();
      owner.failed(reason);
    }
  }

  /** Gives the attempt up, or forgets the connection that came of it. */
  void end() {
    boolean opened = settled;
    settle();
    Leg made = leg;
    if (!opened && made != null) {
      made.reset();
    }
    LocalConnections.Tuple ends = tuple;
    if (ends == null) {
      return;
    }
    tuple = null;
    LocalConnections known = connection.path.localConnections;
    if (origin.claimed || origin.inbound) {
      known.remove(ends, origin);
    } else {
      connection.loop.executor.schedule(
          () -> known.remove(ends, origin), REMEMBER_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  private void settle() {
    settled = true;
    Future<?> timer = deadline;
    if (timer != null) {
      timer.cancel(false);
      deadline = null;
    }
  }

  private static void closeUnused(@Nullable Integer fd) {
    if (fd == null) {
      return;
    }
    try {
      new FileDescriptor(fd).close();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "socket-close-failed fd=" + fd, e);
    }
  }
}
