package io.sluice.proxy.hbone;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.proxy.limits.SocketBytes;
import io.sluice.proxy.socket.PendingSocket;
import io.sluice.proxy.tls.TlsHandshake;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One connection from the wish for it: socket, TCP, TLS, and the peer's SETTINGS, which in TLS 1.3
 * are the first sign that it accepted our certificate. Event loop of the pool.
 */
final class Connecting
    implements TlsHandshake.Listener, HboneConnection.Owner, PendingSocket.Listener {
  private final PoolGroup group;
  private final HbonePool pool;
  private final TlsIdentity identity;
  private final PendingSocket pending;
  private @Nullable EpollSocketChannel channel;
  private @Nullable PooledConnection pooled;

  Connecting(PoolGroup group, TlsIdentity identity) {
    this.group = group;
    this.pool = group.pool;
    this.identity = identity;
    this.pending = new PendingSocket(pool.loop);
  }

  private InetSocketAddress destination() {
    return group.key.destination();
  }

  void start() {
    pending.open(
        pool.settings.times().connect(),
        () -> fail(OpenFailure.of(OpenFailure.Kind.CONNECT_TIMEOUT)),
        () -> pool.sockets.apply(group.key),
        this);
  }

  @Override
  public void notMade(@Nullable Throwable failure) {
    fail(OpenFailure.of(OpenFailure.Kind.NO_SOCKET, failure));
  }

  @Override
  public void made(int fd) {
    EpollSocketChannel made = AdoptedSockets.connecting(fd);
    channel = made;
    group.account.own(made);
    made.pipeline().addLast(SocketBytes.INSTANCE);
    try {
      made.config().setAllocator(pool.allocator);
      made.config().setConnectTimeoutMillis(0); // the deadline here covers everything
      Http2Stack.configure(made, pool.settings);
    } catch (RuntimeException e) {
      fail(OpenFailure.of(OpenFailure.Kind.NO_SOCKET, e));
      return;
    }
    pool.loop.register(made).addListener(registered -> connect(made, registered.cause()));
  }

  private void connect(EpollSocketChannel made, @Nullable Throwable failure) {
    if (pending.isSettled()) {
      return;
    }
    if (failure != null) {
      fail(OpenFailure.of(OpenFailure.Kind.NO_SOCKET, failure));
      return;
    }
    made.connect(destination())
        .addListener(connected -> {
          if (pending.isSettled()) {
            return;
          }
          if (!connected.isSuccess()) {
            fail(OpenFailure.of(OpenFailure.Kind.UNREACHABLE, connected.cause()));
            return;
          }
          try {
            identity
                .connect(made.alloc(), Set.of(group.key.expected()), this)
                .addTo(made.pipeline());
          } catch (RuntimeException e) {
            handshakeFailed(TlsReason.INTERNAL, e);
          }
        });
  }

  @Override
  public void verified(ChannelHandlerContext context, VerifiedPeer peer) {
    if (!pending.isSettled()) {
      Http2Stack.client(context.channel(), pool.settings, peer, group.budget, this);
    }
  }

  @Override
  public void failed(TlsReason reason, @Nullable Throwable cause) {
    if (!pending.isSettled()) {
      handshakeFailed(reason, cause);
    }
  }

  private void handshakeFailed(TlsReason reason, @Nullable Throwable cause) {
    pool.events.handshakeFailed(
        group.key.pod(), HboneEvents.Side.CLIENT, destination(), reason, cause);
    fail(OpenFailure.of(OpenFailure.Kind.TLS, cause));
  }

  @Override
  public void ready(HboneConnection connection, int maxStreams) {
    PooledConnection known = pooled;
    if (known != null) {
      known.limit(maxStreams);
      group.serveWaiting();
    } else if (!pending.isSettled()) {
      pending.settle();
      pool.events.opened(group.key.pod(), HboneEvents.Side.CLIENT, destination(), connection.peer);
      PooledConnection made =
          new PooledConnection(group, connection, identity::rejects, maxStreams);
      pooled = made;
      group.connected(made);
      made.recheck(); // list and roots may have changed meanwhile
    }
  }

  @Override
  public void streamEnded(HboneConnection connection) {
    group.serveWaiting();
  }

  @Override
  public void leaving(HboneConnection connection) {
    PooledConnection known = pooled;
    if (known != null) {
      group.left(known);
    }
  }

  @Override
  public void closed(HboneConnection connection, ConnectionEnd reason) {
    PooledConnection known = pooled;
    if (known != null) {
      pool.events.closed(
          group.key.pod(), HboneEvents.Side.CLIENT, destination(), connection.peer, reason);
      group.closed(known);
    } else if (!pending.isSettled()) {
      handshakeFailed(connection.tlsReason().orElse(TlsReason.CONNECTION_LOST), null);
    }
  }

  void fail(OpenFailure failure) {
    if (pending.isSettled()) {
      return;
    }
    pending.settle();
    EpollSocketChannel made = channel;
    if (made != null && made.isRegistered()) {
      made.close();
    } else if (made != null) {
      made.unsafe().closeForcibly();
    }
    group.connectFailed(failure);
  }
}
