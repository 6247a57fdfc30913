package io.sluice.lab.demo;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketServerProtocolHandler;
import io.netty.handler.codec.http2.DefaultHttp2Connection;
import io.netty.handler.codec.http2.HttpConversionUtil.ExtensionHeaderNames;
import io.netty.handler.codec.http2.HttpToHttp2ConnectionHandlerBuilder;
import io.netty.handler.codec.http2.InboundHttp2ToHttpAdapterBuilder;
import io.sluice.linux.netns.NetnsHandle;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A bookstore as an ordinary application of HTTP: every request is answered with the name of its
 * pod, calls of gRPC in their form, and a WebSocket says what it is told.
 */
final class BookServer implements AutoCloseable {
  /** Path of the WebSocket. */
  static final String NEWS = "/book-news";

  static final String GRPC = "application/grpc";

  /** What stands before a message of gRPC: not compressed, and its length. */
  static final int GRPC_PREFIX = 5;

  private static final int LONGEST = 65_536;

  private final DemoPod pod;
  private final AtomicLong served = new AtomicLong();
  private final Channel listener;

  /** Listens on that port of the pod: at {@link DemoPlan#GRPC_PORT} for HTTP/2, else HTTP/1.1. */
  BookServer(DemoPod pod, NetnsHandle netns, int port, EventLoopGroup loops) {
    this.pod = pod;
    ServerSocketChannel socket =
        DemoServer.inside(netns, () -> ServerSocketChannel.open(StandardProtocolFamily.INET6));
    boolean http2 = port == DemoPlan.GRPC_PORT;
    this.listener =
        new ServerBootstrap()
            .group(loops)
            .channelFactory(() -> new NioServerSocketChannel(socket))
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    codec(channel.pipeline(), http2);
                    channel.pipeline().addLast(new Application());
                  }
                })
            .bind(new InetSocketAddress("::", port))
            .syncUninterruptibly()
            .channel();
  }

  private static void codec(ChannelPipeline pipeline, boolean http2) {
    if (http2) {
      pipeline.addLast(http2(true));
    } else {
      pipeline.addLast(new HttpServerCodec(), new HttpObjectAggregator(LONGEST));
      pipeline.addLast(new WebSocketServerProtocolHandler(NEWS));
    }
  }

  /** Makes whole messages of HTTP/2, and back; clients need no more either. */
  static ChannelHandler http2(boolean server) {
    var connection = new DefaultHttp2Connection(server);
    return new HttpToHttp2ConnectionHandlerBuilder()
        .connection(connection)
        .frameListener(
            new InboundHttp2ToHttpAdapterBuilder(connection).maxContentLength(LONGEST).build())
        .build();
  }

  DemoPod pod() {
    return pod;
  }

  /** Requests that reached the application. */
  long served() {
    return served.get();
  }

  private final class Application extends SimpleChannelInboundHandler<Object> {
    @Override
    protected void channelRead0(ChannelHandlerContext context, Object message) {
      if (message instanceof FullHttpRequest request) {
        served.incrementAndGet();
        context.writeAndFlush(answer(request));
      } else if (message instanceof TextWebSocketFrame frame) {
        context.writeAndFlush(new TextWebSocketFrame(pod.label() + " heard " + frame.text()));
      }
    }

    private FullHttpResponse answer(FullHttpRequest request) {
      String type = request.headers().get(HttpHeaderNames.CONTENT_TYPE, "");
      FullHttpResponse response =
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1, HttpResponseStatus.OK, text(pod.label(), type.equals(GRPC)));
      if (type.equals(GRPC)) {
        response.headers().set(HttpHeaderNames.CONTENT_TYPE, GRPC);
        response.trailingHeaders().set("grpc-status", "0");
      } else {
        HttpUtil.setContentLength(response, response.content().readableBytes());
      }
      String stream = request.headers().get(ExtensionHeaderNames.STREAM_ID.text());
      if (stream != null) {
        response.headers().set(ExtensionHeaderNames.STREAM_ID.text(), stream);
      }
      return response;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close(); // the client went away
    }
  }

  /** Content of a message, as gRPC has it or as it is. */
  static ByteBuf text(String text, boolean grpc) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    ByteBuf content = Unpooled.buffer();
    if (grpc) {
      content.writeByte(0).writeInt(bytes.length);
    }
    return content.writeBytes(bytes);
  }

  @Override
  public void close() {
    listener.close().syncUninterruptibly();
  }
}
