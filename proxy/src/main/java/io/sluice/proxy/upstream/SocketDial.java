package io.sluice.proxy.upstream;

import io.netty.channel.ChannelFuture;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.relay.TcpChannel;
import io.sluice.proxy.socket.ConnectFailures;
import io.sluice.proxy.socket.PendingSocket;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Reaches an endpoint by a socket from inside the pod's network namespace, with an entry in {@link
 * LocalConnections} for as long as the connection lives.
 */
final class SocketDial implements Dial, PendingSocket.Listener {
  /** A reset right behind the connect must not make the accepting side doubt who it was. */
  private static final long REMEMBER_MILLIS = 1_000;

  private final Upstream owner;
  private final UpstreamLoop loop;
  private final LocalPod pod;
  private final InetSocketAddress endpoint;
  private final LocalConnections.Origin origin;
  private final PendingSocket pending;
  private LocalConnections.@Nullable Tuple tuple;
  private @Nullable TcpChannel reached;

  SocketDial(
      Upstream owner,
      UpstreamLoop loop,
      LocalPod pod,
      InetSocketAddress endpoint,
      LocalConnections.Origin origin) {
    this.owner = owner;
    this.loop = loop;
    this.pod = pod;
    this.endpoint = endpoint;
    this.origin = origin;
    this.pending = new PendingSocket(loop.executor);
  }

  @Override
  public void start() {
    Optional<InetSocketAddress> presentedClient =
        origin.inbound() ? Optional.of(origin.client()) : Optional.empty();
    pending.open(
        loop.means.settings.connectTimeout(),
        () -> fail(Reason.CONNECT_TIMEOUT),
        () ->
            loop.means.sockets.open(
                pod.name, endpoint.getAddress(), presentedClient, origin.inbound()),
        this);
  }

  @Override
  public void notMade(@Nullable Throwable failure) {
    loop.means.failed("socket-open-failed", pod.name, failure);
    fail(Reason.INTERNAL_ERROR);
  }

  @Override
  public void made(int fd) {
    EpollSocketChannel channel = null;
    try {
      channel = AdoptedSockets.connecting(fd);
      channel.config().setConnectTimeoutMillis(0); // the deadline here covers the opening too
      reached = new TcpChannel(channel, pod.sockets);
    } catch (RuntimeException e) {
      loop.means.failed("socket-unusable", pod.name, e);
      if (channel == null) {
        PendingSocket.closeUnused(fd);
      } else {
        channel.unsafe().closeForcibly();
      }
      fail(Reason.INTERNAL_ERROR);
      return;
    }
    EpollSocketChannel made = channel;
    loop.executor.register(made).addListener(registered -> connect(made, registered.cause()));
  }

  private void connect(EpollSocketChannel made, @Nullable Throwable registrationFailure) {
    if (pending.isSettled()) {
      return;
    }
    if (registrationFailure != null) {
      fail(Reason.INTERNAL_ERROR);
      return;
    }
    LocalConnections known = loop.means.localConnections;
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
        owner.opened(channel);
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
    return origin.inbound()
        && !local.getAddress().equals(endpoint.getAddress())
        && origin.client().getAddress().equals(local.getAddress());
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
    LocalConnections known = loop.means.localConnections;
    if (origin.isClaimed() || origin.inbound()) {
      known.remove(ends, origin);
    } else {
      loop.executor.schedule(
          () -> known.remove(ends, origin), REMEMBER_MILLIS, TimeUnit.MILLISECONDS);
    }
  }
}
