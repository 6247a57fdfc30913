package io.sluice.proxy;

import io.netty.channel.ChannelFuture;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.relay.TcpChannel;
import io.sluice.proxy.socket.ConnectFailures;
import io.sluice.proxy.socket.PendingSocket;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to reach one upstream by a socket from inside the pod's network namespace, and the
 * entry in {@link LocalConnections} for as long as the connection lives. Runs on the connection's
 * event loop.
 */
final class Dial implements Attempt, PendingSocket.Listener {
  /** A reset right behind the connect must not make the accepting side doubt who it was. */
  private static final long REMEMBER_MILLIS = 1_000;

  private final Connection connection;
  private final Owner owner;
  private final InetSocketAddress endpoint;
  private final Optional<InetSocketAddress> presentedClient;
  private final LocalConnections.Origin origin;
  private final PendingSocket pending;
  private LocalConnections.@Nullable Tuple tuple;
  private @Nullable TcpChannel reached;

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
    this.pending = new PendingSocket(connection.loop.executor);
  }

  void start() {
    connection.dialing(this);
    pending.open(
        connection.path.settings.connectTimeout(),
        () -> fail(Reason.CONNECT_TIMEOUT),
        () ->
            connection.path.sockets.open(
                connection.pod.name,
                endpoint.getAddress(),
                presentedClient,
                connection.direction == Direction.INBOUND),
        this);
  }

  @Override
  public void notMade(@Nullable Throwable failure) {
    connection.path.failed("socket-open-failed", connection.pod.name, failure);
    fail(Reason.INTERNAL_ERROR);
  }

  @Override
  public void made(int fd) {
    EpollSocketChannel channel = null;
    try {
      channel = AdoptedSockets.connecting(fd);
      channel.config().setConnectTimeoutMillis(0); // the deadline here covers the opening too
      AdoptedSockets.keepAlive(channel, connection.path.settings.keepAlive());
      reached = new TcpChannel(channel, connection.pod.sockets);
    } catch (RuntimeException | IOException e) {
      connection.path.failed("socket-unusable", connection.pod.name, e);
      if (channel == null) {
        PendingSocket.closeUnused(fd);
      } else {
        channel.unsafe().closeForcibly();
      }
      fail(Reason.INTERNAL_ERROR);
      return;
    }
    EpollSocketChannel made = channel;
    connection
        .loop
        .executor
        .register(made)
        .addListener(registered -> connect(made, registered.cause()));
  }

  private void connect(EpollSocketChannel made, @Nullable Throwable registrationFailure) {
    if (pending.isSettled()) {
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
      connecting = made.connect(endpoint);
      InetSocketAddress local = made.localAddress();
      if (made.isOpen() && local != null && !isShownAsClient(local)) {
        LocalConnections.Tuple ends = new LocalConnections.Tuple(local, endpoint);
        tuple = ends;
        known.add(ends, origin);
      }
    } finally {
      known.withdraw(endpoint);
    }
    connecting.addListener(future -> {
      TcpChannel channel = reached;
      if (pending.isSettled() || channel == null) {
        return;
      }
      if (future.isSuccess()) {
        pending.settle();
        connection.opened(channel);
      } else {
        fail(ConnectFailures.reason(future.cause()));
      }
    });
  }

  /**
   * Then the client itself may have these very ends, and is not to be taken for us. One that is at
   * the application's own address calls itself: nobody is shown there.
   */
  private boolean isShownAsClient(InetSocketAddress local) {
    return origin.inbound
        && !local.getAddress().equals(endpoint.getAddress())
        && presentedClient
            .filter(client -> client.getAddress().equals(local.getAddress()))
            .isPresent();
  }

  private void fail(Reason reason) {
    if (!pending.isSettled()) {
      end();
      owner.failed(reason);
    }
  }

  @Override
  public void end() {
    boolean opened = pending.isSettled();
    pending.settle();
    TcpChannel made = reached;
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
}
