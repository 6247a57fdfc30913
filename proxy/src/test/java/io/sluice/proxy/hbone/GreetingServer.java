package io.sluice.proxy.hbone;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.TlsHandshake;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * TLS, HTTP/2 and streams as HBONE's server has them, but every request, whatever its method, is
 * answered with a few bytes once it has ended. For judges that want to see DATA and know no
 * CONNECT.
 */
final class GreetingServer implements AutoCloseable {
  private static final byte[] GREETING = "hello".getBytes(StandardCharsets.US_ASCII);

  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final Channel listener;

  GreetingServer(InetAddress address, TlsIdentity identity) {
    listener =
        new ServerBootstrap()
            .group(group)
            .channel(EpollServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<EpollSocketChannel>() {
                  @Override
                  protected void initChannel(EpollSocketChannel channel) {
                    Http2Stack.configure(channel, HboneSettings.DEFAULTS);
                    identity.accept(channel.alloc(), new Welcome()).addTo(channel.pipeline());
                  }
                })
            .bind(address, 0)
            .syncUninterruptibly()
            .channel();
  }

  InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  @Override
  public void close() {
    listener.close().syncUninterruptibly();
    group.shutdownGracefully(0, 5_000, TimeUnit.MILLISECONDS).syncUninterruptibly();
  }

  private static final class Welcome implements TlsHandshake.Listener, HboneConnection.Owner {
    @Override
    public void verified(ChannelHandlerContext context, VerifiedPeer peer) {
      Http2Stack.start(
          context.channel(),
          HboneSettings.DEFAULTS,
          peer,
          new BufferBudget(1 << 20, null),
          this,
          Greeting::new);
    }

    @Override
    public void failed(TlsReason reason, @Nullable Throwable cause) {
      // The client notices.
    }

    @Override
    public void closed(HboneConnection connection, ConnectionEnd reason) {
      // Nobody asks.
    }
  }

  private static final class Greeting implements HboneStream.Opener, ByteChannel.Listener {
    private @Nullable HboneStream stream;

    @Override
    public void headers(HboneStream opened, Http2Headers headers) {
      stream = opened;
      opened.listen(this);
      opened.start();
    }

    @Override
    public void bytes(ByteBuf bytes) {
      bytes.release();
    }

    @Override
    public void inputEnded() {
      HboneStream answered = Objects.requireNonNull(stream);
      answered.writeHead(new DefaultHttp2Headers(false).status("200"), false);
      answered.write(Unpooled.wrappedBuffer(GREETING));
      answered.endOutput();
    }

    @Override
    public void writable() {
      // There is nothing more to write.
    }

    @Override
    public void closed(ChannelEnd end) {
      // Nobody asks.
    }
  }
}
