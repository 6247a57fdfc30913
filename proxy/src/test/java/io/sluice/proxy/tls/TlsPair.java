package io.sluice.proxy.tls;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.sluice.mesh.SpiffeId;
import io.sluice.proxy.LeakCounter;
import io.sluice.proxy.Peers;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Two ends on loopback; each yields its verdict on the other. */
final class TlsPair implements AutoCloseable {
  static {
    LeakCounter.install();
  }

  /** A peer, or a reason. */
  record Outcome(
      @Nullable VerifiedPeer peer, @Nullable TlsReason reason, @Nullable Throwable cause) {}

  /** Completes with the first word about one handshake. */
  static final class Verdict implements TlsHandshake.Listener {
    final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    volatile @Nullable Channel channel; // once the peer is proven

    @Override
    public void verified(ChannelHandlerContext context, VerifiedPeer peer) {
      channel = context.channel();
      outcome.complete(new Outcome(peer, null, null));
    }

    @Override
    public void failed(TlsReason reason, @Nullable Throwable cause) {
      outcome.complete(new Outcome(null, reason, cause));
    }
  }

  final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final ChannelGroup channels = new DefaultChannelGroup(ImmediateEventExecutor.INSTANCE);
  final Verdict server = new Verdict();
  private final AtomicBoolean first = new AtomicBoolean(true);

  /** To the first connection. */
  final Hello serverHello = new Hello();

  final Channel listener;

  TlsPair(TlsIdentity identity) {
    this(Peers.V4, identity);
  }

  TlsPair(InetAddress address, TlsIdentity identity) {
    listener =
        new ServerBootstrap()
            .group(group)
            .channel(EpollServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    if (first.getAndSet(false)) {
                      channel.pipeline().addLast(serverHello);
                    }
                    channels.add(channel);
                    identity.accept(channel.alloc(), server).addTo(channel.pipeline());
                  }
                })
            .bind(address, 0)
            .syncUninterruptibly()
            .channel();
  }

  InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  Verdict connect(TlsIdentity identity, Set<SpiffeId> expected) {
    return connect(identity, expected, address(), new Hello());
  }

  Verdict connect(
      TlsIdentity identity, Set<SpiffeId> expected, InetSocketAddress server, Hello hello) {
    Verdict verdict = new Verdict();
    new Bootstrap()
        .group(group)
        .channel(EpollSocketChannel.class)
        .handler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                channel.pipeline().addLast(hello);
                identity.connect(channel.alloc(), expected, verdict).addTo(channel.pipeline());
              }
            })
        .connect(server)
        .syncUninterruptibly();
    return verdict;
  }

  @Override
  public void close() {
    listener.close().syncUninterruptibly();
    channels.close().syncUninterruptibly();
    group.shutdownGracefully(20, 5_000, TimeUnit.MILLISECONDS).syncUninterruptibly();
  }
}
