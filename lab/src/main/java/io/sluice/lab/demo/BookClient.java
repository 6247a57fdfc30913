package io.sluice.lab.demo;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolHandler;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolHandler.ClientHandshakeStateEvent;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import io.netty.handler.codec.http2.HttpConversionUtil.ExtensionHeaderNames;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One connection of a buyer's application: HTTP/1.1, HTTP/2 by prior knowledge, or a WebSocket. One
 * request at a time, but as many as one likes by HTTP/2.
 */
final class BookClient implements AutoCloseable {
  private static final int LONGEST = 65_536;
  private static final long PATIENCE_SECONDS = 10;
  private static final String AUTHORITY = "bookstore.shop";

  /** What a connection speaks. */
  enum Speech {
    HTTP1,
    HTTP2,
    WEBSOCKET
  }

  /**
   * What came of a request.
   *
   * @param status of the response; 0 where there was none
   * @param grpc status of a call of gRPC, else empty
   * @param text content, or what happened instead
   */
  record Reply(int status, String grpc, String text) {
    private static final String RESET = "reset";

    boolean isServed() {
      return status == 200 && (grpc.isEmpty() || grpc.equals("0")) || status == 101;
    }

    /** Answered by the mesh in the store's place, in either form. */
    boolean isForbidden() {
      return status == 403 || grpc.equals("7"); // PERMISSION_DENIED
    }

    /** By an application or in its place. */
    boolean isAnswered() {
      return status != 0;
    }

    /** Whether the connection was reset instead. */
    boolean isReset() {
      return status == 0 && text.equals(RESET);
    }

    /** For people. */
    String title() {
      return status == 0 ? text : grpc.isEmpty() ? "" + status : "grpc-status " + grpc;
    }

    static Reply none(Throwable why) {
      String message = String.valueOf(why.getMessage());
      return new Reply(
          0, "", message.contains("reset") || message.contains("Broken pipe") ? RESET : message);
    }
  }

  private final Speech speech;
  private final Channel channel;
  private final AtomicInteger streams = new AtomicInteger(1);
  private final Map<Integer, CompletableFuture<Reply>> pending = new ConcurrentHashMap<>();
  private final CompletableFuture<Reply> end = new CompletableFuture<>();
  private final CompletableFuture<Reply> opened = new CompletableFuture<>();

  /** Connects from inside the pod; where that fails, so does every request. */
  BookClient(NetnsHandle netns, InetSocketAddress to, Speech speech, EventLoopGroup loops) {
    this.speech = speech;
    SocketChannel socket =
        DemoServer.inside(
            netns, () -> SocketChannel.open(Sockets.Family.of(to.getAddress()).protocol()));
    ChannelFuture connecting =
        new Bootstrap()
            .group(loops)
            .channelFactory(() -> new NioSocketChannel(socket))
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel made) {
                    codec(made.pipeline());
                    made.pipeline().addLast(new Answers());
                  }
                })
            .connect(to)
            .awaitUninterruptibly();
    this.channel = connecting.channel();
    if (!connecting.isSuccess()) {
      fail(connecting.cause());
    }
  }

  private void codec(ChannelPipeline pipeline) {
    if (speech == Speech.HTTP2) {
      pipeline.addLast(BookServer.http2(false));
      return;
    }
    pipeline.addLast(new HttpClientCodec(), new HttpObjectAggregator(LONGEST));
    if (speech == Speech.WEBSOCKET) {
      pipeline.addLast(
          new WebSocketClientProtocolHandler(
              URI.create("ws://" + AUTHORITY + BookServer.NEWS),
              WebSocketVersion.V13,
              null,
              false,
              EmptyHttpHeaders.INSTANCE,
              LONGEST));
    }
  }

  /** Asks, and waits for the answer. */
  Reply get(String path) {
    return await(send(HttpMethod.GET, path, ""));
  }

  /** Calls a method of gRPC and does not wait. */
  CompletableFuture<Reply> call(String method) {
    return send(HttpMethod.POST, method, BookServer.GRPC);
  }

  private CompletableFuture<Reply> send(HttpMethod method, String path, String type) {
    FullHttpRequest request =
        new DefaultFullHttpRequest(
            HttpVersion.HTTP_1_1, method, path, BookServer.text("", type.equals(BookServer.GRPC)));
    request.headers().set(HttpHeaderNames.HOST, AUTHORITY);
    if (!type.isEmpty()) {
      request.headers().set(HttpHeaderNames.CONTENT_TYPE, type);
      request.headers().set(HttpHeaderNames.TE, "trailers");
    }
    int stream = 0;
    if (speech == Speech.HTTP2) {
      stream = streams.addAndGet(2);
      request.headers().setInt(ExtensionHeaderNames.STREAM_ID.text(), stream);
      request.headers().set(ExtensionHeaderNames.SCHEME.text(), "http");
    }
    return send(stream, request);
  }

  private CompletableFuture<Reply> send(int stream, Object message) {
    CompletableFuture<Reply> reply = new CompletableFuture<>();
    pending.put(stream, reply);
    // Listened to before it is written: told afterwards, a reset may come behind "inactive".
    channel.writeAndFlush(
        message,
        channel
            .newPromise()
            .addListener(sent -> {
              if (!sent.isSuccess()) {
                fail(sent.cause());
              }
            }));
    return reply;
  }

  /** Waits until the WebSocket is open; the status of its handshake. */
  Reply awaitOpen() {
    return await(opened);
  }

  /** Says a word by the WebSocket and waits for the answer. */
  Reply say(String word) {
    return await(send(0, new TextWebSocketFrame(word)));
  }

  static Reply await(CompletableFuture<Reply> reply) {
    try {
      return reply.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      return new Reply(0, "", "no answer in time");
    } catch (ExecutionException e) {
      return Reply.none(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Reply(0, "", "interrupted");
    }
  }

  /** Ends what waits, for the first reason that there was. */
  private void fail(Throwable why) {
    end.complete(Reply.none(why));
    opened.complete(end.join());
    pending.values().forEach(reply -> reply.complete(end.join()));
  }

  private final class Answers extends SimpleChannelInboundHandler<Object> {
    @Override
    protected void channelRead0(ChannelHandlerContext context, Object message) {
      if (message instanceof FullHttpResponse response) {
        String grpc = response.trailingHeaders().get("grpc-status", "");
        grpc = grpc.isEmpty() ? response.headers().get("grpc-status", "") : grpc;
        int prefix = grpc.equals("0") ? BookServer.GRPC_PREFIX : 0;
        String text = response.content().toString(StandardCharsets.UTF_8).substring(prefix);
        int stream = response.headers().getInt(ExtensionHeaderNames.STREAM_ID.text(), 0);
        answered(stream, new Reply(response.status().code(), grpc, text));
      } else if (message instanceof TextWebSocketFrame frame) {
        answered(0, new Reply(101, "", frame.text()));
      }
    }

    private void answered(int stream, Reply reply) {
      CompletableFuture<Reply> waiting = pending.remove(stream);
      if (waiting != null) {
        waiting.complete(reply);
      }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (event == ClientHandshakeStateEvent.HANDSHAKE_COMPLETE) {
        opened.complete(new Reply(101, "", ""));
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      fail(new IllegalStateException("closed without a word"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      fail(cause);
      context.close();
    }
  }

  @Override
  public void close() {
    channel.close().syncUninterruptibly();
  }
}
