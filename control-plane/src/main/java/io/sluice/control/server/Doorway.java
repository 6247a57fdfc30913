package io.sluice.control.server;

import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * Where connections to the control port are accepted: the one place that sees them before their
 * handshake, of which gRPC tells nothing.
 */
final class Doorway implements AutoCloseable {
  /** gRPC's loops only move bytes: more than some give a small site nothing. */
  private static final int MOST_LOOPS = 4;

  private final ConnectionLimit limit;
  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(
          Math.min(MOST_LOOPS, Runtime.getRuntime().availableProcessors()),
          Thread.ofPlatform().name("sluice-control-io-", 0).daemon().factory(),
          NioIoHandler.newFactory());

  Doorway(ConnectionLimit limit) {
    this.limit = limit;
  }

  /** Has {@code builder} accept through this. */
  void addTo(NettyServerBuilder builder) {
    builder.bossEventLoopGroup(loops).workerEventLoopGroup(loops).channelFactory(this::listener);
  }

  private NioServerSocketChannel listener() {
    NioServerSocketChannel channel = new NioServerSocketChannel();
    channel.pipeline().addFirst(new Gate(limit)); // before the one that sets connections up
    return channel;
  }

  @ChannelHandler.Sharable
  private static final class Gate extends ChannelInboundHandlerAdapter {
    private final ConnectionLimit limit;

    Gate(ConnectionLimit limit) {
      this.limit = limit;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      Channel accepted = (Channel) message;
      ConnectionLimit.Connection connection =
          accepted.remoteAddress() instanceof InetSocketAddress remote
              ? limit.accepted(remote, () -> close(accepted))
              : null; // it has gone
      if (connection == null) {
        accepted.unsafe().closeForcibly(); // it has no loop yet
      } else {
        accepted.closeFuture().addListener(_ -> limit.closed(connection));
        context.fireChannelRead(accepted);
      }
    }

    private static void close(Channel accepted) {
      if (accepted.isRegistered()) {
        accepted.close();
      } else {
        accepted.unsafe().closeForcibly();
      }
    }
  }

  /** Ends the loops; the server must have ended. */
  @Override
  public void close() {
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
