package io.sluice.proxy.upstream;

import io.netty.channel.ChannelFuture;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.PodSockets;
import io.sluice.proxy.relay.TcpChannel;
import io.sluice.proxy.socket.ConnectFailures;
import io.sluice.proxy.socket.PendingSocket;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Reaches an endpoint by a socket from inside the network namespace of the pod, or of the pod that
 * calls it, with an entry in {@link LocalConnections} for as long as the connection lives.
 */
final class SocketDial implements Dial, PendingSocket.Listener {
  /** A reset right behind the connect must not make the accepting side doubt who it was. */
  private static final long REMEMBER_MILLIS = 1_000;

  private final Upstream owner;
  private final UpstreamLoop loop;
  private final LocalPod pod;
  private final LocalPod inside;
  private final InetSocketAddress endpoint;
  private final LocalConnections.Origin origin;
  private final PendingSocket pending;
  private LocalConnections.@Nullable Tuple tuple;
  private @Nullable TcpChannel reached;

  /**
   * Nothing is opened yet.
   *
   * @param inside in whose namespace the socket is made: of another pod, it is led past the
   *     listener of {@code pod}
   */
  SocketDial(
      Upstream owner,
      UpstreamLoop loop,
      LocalPod pod,
      LocalPod inside,
      InetSocketAddress endpoint,
      LocalConnections.Origin origin) {
    this.owner = owner;
    this.loop = loop;
    this.pod = pod;
    this.inside = inside;
    this.endpoint = endpoint;
    this.origin = origin;
    this.pending = new PendingSocket(loop.executor);
  }

  @Override
  public void start() {
    pending.open(owner.connectTimeout(), () -> fail(Reason.CONNECT_TIMEOUT), this::open, this);
  }

  private CompletableFuture<Integer> open() {
    Optional<PodSockets.Application> application =
        origin.inbound()
            ? Optional.of(new PodSockets.Application(pod.name, origin.client()))
            : Optional.empty();
    return loop.means.sockets.open(inside.name, endpoint.getAddress(), application);
  }

  @Override
  public void notMade(@Nullable Throwable failure) {
    loop.means.failed("socket-open-failed", inside.name, failure);
    fail(Reason.INTERNAL_ERROR);
  }

  @Override
  public void made(int fd) {
    EpollSocketChannel channel = null;
    try {
      channel = AdoptedSockets.connecting(fd);
      inside.account.own(channel);
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
   * the application's own address calls itself: nobody is shown there. One led past has the
   * client's address because it was made in its namespace, where nobody else has its port.
   */
  private boolean isShownAsClient(InetSocketAddress local) {
    return origin.inbound()
        && inside == pod
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
  public boolean isCurrent() {
    return true;
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
