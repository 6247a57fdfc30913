package io.sluice.proxy.hbone;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import io.sluice.proxy.tls.TlsHandshake;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.VerifiedPeer;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One connection from the wish for it: socket, TCP, TLS, and the peer's SETTINGS, which in TLS 1.3
 * are the first sign that it accepted our certificate. Event loop of the pool.
 */
final class Connecting implements TlsHandshake.Listener, HboneConnection.Owner {
  private static final Logger LOG = System.getLogger(Connecting.class.getName());

  private final PoolGroup group;
  private final HbonePool pool;
  private final TlsIdentity identity;
  private @Nullable EpollSocketChannel channel;
  private @Nullable Future<?> deadline;
  private @Nullable PooledConnection pooled;
  private boolean settled;

  Connecting(PoolGroup group, TlsIdentity identity) {
    this.group = group;
    this.pool = group.pool;
    this.identity = identity;
  }

  private InetSocketAddress destination() {
    return group.key.destination();
  }

  void start() {
    deadline =
        pool.loop.schedule(
            () -> fail(OpenFailure.of(OpenFailure.Kind.CONNECT_TIMEOUT)),
            pool.settings.times().connect().toNanos(),
            TimeUnit.NANOSECONDS);
    CompletableFuture<Integer> opening;
    try {
      opening = pool.sockets.open(group.key);
    } catch (RuntimeException e) {
      opening = CompletableFuture.failedFuture(e);
    }
    var _ = opening.whenComplete(this::socketOpened);
  }

  /** Any thread. */
  private void socketOpened(@Nullable Integer fd, @Nullable Throwable failure) {
    try {
      // Never at once: the caller is still noting this attempt.
      pool.loop.execute(() -> use(fd, failure));
    } catch (RejectedExecutionException e) {
      closeUnused(fd);
    }
  }

  private void use(@Nullable Integer fd, @Nullable Throwable failure) {
    if (settled) {
      closeUnused(fd);
    } else if (fd == null) {
      fail(OpenFailure.of(OpenFailure.Kind.NO_SOCKET, failure));
    } else {
      EpollSocketChannel made = AdoptedSockets.connecting(fd);
      channel = made;
      try {
        made.config().setAllocator(pool.allocator);
        made.config().setConnectTimeoutMillis(0); // the deadline here covers everything
        Http2Stack.configure(made);
      } catch (RuntimeException e) {
        fail(OpenFailure.of(OpenFailure.Kind.NO_SOCKET, e));
        return;
      }
      pool.loop.register(made).addListener(registered -> connect(made, registered.cause()));
    }
  }

  private void connect(EpollSocketChannel made, @Nullable Throwable failure) {
    if (settled) {
      return;
    }
    if (failure != null) {
      fail(OpenFailure.of(OpenFailure.Kind.NO_SOCKET, failure));
      return;
    }
    made.connect(destination())
        .addListener(connected -> {
          if (settled) {
            return;
          }
          if (!connected.isSuccess()) {
            fail(OpenFailure.of(OpenFailure.Kind.UNREACHABLE, connected.cause()));
            return;
          }
          try {
            identity.connect(made.alloc(), group.key.expected(), this).addTo(made.pipeline());
          } catch (RuntimeException e) {
            fail(OpenFailure.tls(TlsReason.INTERNAL, e));
          }
        });
  }

  @Override
  public void verified(ChannelHandlerContext context, VerifiedPeer peer) {
    if (!settled) {
      Http2Stack.client(context.channel(), pool.settings, peer, this);
    }
  }

  @Override
  public void failed(ChannelHandlerContext context, TlsReason reason, @Nullable Throwable cause) {
    if (!settled) {
      handshakeFailed(reason, cause);
    }
  }

  private void handshakeFailed(TlsReason reason, @Nullable Throwable cause) {
    pool.events.handshakeFailed(HboneEvents.Side.CLIENT, destination(), reason, cause);
    fail(OpenFailure.tls(reason, cause));
  }

  @Override
  public void ready(HboneConnection connection, int maxStreams) {
    PooledConnection known = pooled;
    if (known != null) {
      known.limit(maxStreams);
      group.serveWaiting();
    } else if (!settled) {
      settle();
      pool.events.opened(HboneEvents.Side.CLIENT, destination(), connection.peer);
      PooledConnection made = new PooledConnection(group, connection, maxStreams);
      pooled = made;
      group.connected(made);
      if (identity.denyList().denies(connection.peer)) {
        connection.cut(ConnectionEnd.DENIED); // the list may have changed meanwhile
      }
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
      pool.events.closed(HboneEvents.Side.CLIENT, destination(), connection.peer, reason);
      group.closed(known);
    } else if (!settled) {
      handshakeFailed(connection.tlsReason().orElse(TlsReason.CONNECTION_LOST), null);
    }
  }

  void fail(OpenFailure failure) {
    if (settled) {
      return;
    }
    settle();
    EpollSocketChannel made = channel;
    if (made != null && made.isRegistered()) {
      made.close();
    } else if (made != null) {
      made.unsafe().closeForcibly();
    }
    group.connectFailed(failure);
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
