package io.sluice.scenario;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.sluice.lab.site.SitePod;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * An application in a pod that answers with what it was asked, in HTTP/1.1 and in HTTP/2 with prior
 * knowledge.
 */
final class EchoServer implements AutoCloseable {
  static final int HTTP1 = 8090;
  static final int HTTP2 = 8091;

  /** Of these paths nothing more is read than the head until {@link #letGo}. */
  static final String HELD = "/load/held";

  /** The answers to these come drop by drop until {@link #letGo}, and then end. */
  static final String TRICKLED = "/load/trickled";

  /** Of these paths the answer comes so many milliseconds after the request as follows. */
  static final String LATE = "/load/late/";

  private static final int BACKLOG = 1_024;
  private static final long DROP_MILLIS = 20;

  private final EventLoopGroup group;
  private final List<Channel> listeners = new ArrayList<>();
  private final AtomicInteger held = new AtomicInteger();
  private volatile CompletableFuture<Void> gate = new CompletableFuture<>();

  EchoServer(EventLoopGroup group, SitePod pod) {
    this.group = group;
    listen(
        pod, HTTP1, pipeline -> pipeline.addLast(new HttpServerCodec()).addLast(new Answering()));
    listen(
        pod,
        HTTP2,
        pipeline ->
            pipeline
                .addLast(Http2FrameCodecBuilder.forServer().build())
                .addLast(
                    new Http2MultiplexHandler(
                        setup(stream ->
                            stream
                                .addLast(new Http2StreamFrameToHttpObjectCodec(true))
                                .addLast(new Answering())))));
  }

  private void listen(SitePod pod, int port, Consumer<ChannelPipeline> pipeline) {
    listeners.add(
        new ServerBootstrap()
            .group(group)
            .channelFactory(() -> pod.call(NioServerSocketChannel::new))
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childHandler(setup(pipeline))
            .bind(new InetSocketAddress(port))
            .syncUninterruptibly()
            .channel());
  }

  static ChannelInitializer<Channel> setup(Consumer<ChannelPipeline> pipeline) {
    return new ChannelInitializer<>() {
      @Override
      protected void initChannel(Channel channel) {
        pipeline.accept(channel.pipeline());
      }
    };
  }

  /** How many requests wait to be read, or have not had the rest of their answer. */
  int held() {
    return held.get();
  }

  /** Lets those go on that are held; later ones are held anew. */
  void letGo() {
    CompletableFuture<Void> open = gate;
    gate = new CompletableFuture<>();
    held.set(0);
    open.complete(null);
  }

  private final class Answering extends SimpleChannelInboundHandler<HttpObject> {
    private final CRC32C sum = new CRC32C();
    private @Nullable HttpRequest request;
    private long bytes;

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
      if (part instanceof HttpRequest head) {
        request = head;
        bytes = 0;
        sum.reset();
        if (head.uri().startsWith(HELD)) {
          context.channel().config().setAutoRead(false);
          gate.thenRun(() -> context.channel().config().setAutoRead(true));
          held.incrementAndGet();
        }
        if (HttpUtil.is100ContinueExpected(head)) {
          context.writeAndFlush(
              new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
        }
      }
      HttpRequest asked = request;
      if (part instanceof HttpContent content && asked != null) {
        bytes += content.content().readableBytes();
        sum.update(content.content().nioBuffer());
        if (part instanceof LastHttpContent last) {
          String trailer = last.trailingHeaders().get(Ask.TRAILER, "-");
          if (asked.uri().startsWith(LATE)) {
            long millis = Long.parseLong(asked.uri().substring(LATE.length()));
            context
                .executor()
                .schedule(() -> answer(context, asked, trailer), millis, TimeUnit.MILLISECONDS);
          } else {
            answer(context, asked, trailer);
          }
        }
      }
    }

    private void answer(ChannelHandlerContext context, HttpRequest asked, String trailer) {
      String id = asked.headers().get(Ask.ID, "");
      int length = asked.headers().getInt(Ask.ANSWER_BYTES, 0);
      boolean trickles = asked.uri().startsWith(TRICKLED);
      Ask.Framing framing =
          Ask.Framing.valueOf(asked.headers().get(Ask.ANSWER_FRAMING, Ask.Framing.LENGTH.name()));
      HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
      head.headers()
          .set(Ask.ID, id)
          .set(
              Ask.TOLD,
              Ask.told(asked.method().name(), asked.uri(), bytes, sum.getValue(), trailer));
      if (framing == Ask.Framing.LENGTH) {
        HttpUtil.setContentLength(head, length);
      } else {
        HttpUtil.setTransferEncodingChunked(head, true);
      }
      context.write(head);
      LastHttpContent end = new DefaultLastHttpContent(Unpooled.EMPTY_BUFFER);
      if (framing == Ask.Framing.TRAILERS && length > 0) {
        end.trailingHeaders().set(Ask.TRAILER, id);
      }
      if (asked.method().equals(HttpMethod.HEAD)) {
        context.writeAndFlush(end);
        return;
      }
      byte[] piece = Ask.piece(id, length);
      if (trickles) {
        held.incrementAndGet();
        trickle(context, piece, length, end, gate);
        return;
      }
      for (int sent = 0; sent < length; sent += Ask.PIECE) {
        context.write(
            new DefaultHttpContent(
                Unpooled.wrappedBuffer(piece, 0, Math.min(Ask.PIECE, length - sent))));
      }
      context.writeAndFlush(end);
    }

    /** The length is one of whole pieces, so what is left tells where in a piece it is. */
    private void trickle(
        ChannelHandlerContext context,
        byte[] piece,
        int left,
        LastHttpContent end,
        CompletableFuture<Void> open) {
      if (open.isDone()) {
        for (int at = left; at > 0; ) {
          int offset = (Ask.PIECE - at % Ask.PIECE) % Ask.PIECE;
          int length = Math.min(at, Ask.PIECE - offset);
          context.write(new DefaultHttpContent(Unpooled.wrappedBuffer(piece, offset, length)));
          at -= length;
        }
        context.writeAndFlush(end);
      } else {
        int offset = (Ask.PIECE - left % Ask.PIECE) % Ask.PIECE;
        context.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(piece, offset, 1)));
        context
            .executor()
            .schedule(
                () -> trickle(context, piece, left - 1, end, open),
                DROP_MILLIS,
                TimeUnit.MILLISECONDS);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close(); // the client went away: its side of the test tells
    }
  }

  @Override
  public void close() {
    listeners.forEach(one -> one.close().syncUninterruptibly());
  }
}
