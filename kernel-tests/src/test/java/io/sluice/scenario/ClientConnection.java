package io.sluice.scenario;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection that takes one request after the other, of HTTP/1.1 or of HTTP/2 with prior
 * knowledge, and repeats none. Any platform thread.
 */
final class ClientConnection implements AutoCloseable {
  private static final int PATIENCE_SECONDS = 60;

  /** Why nobody has seen a request: behind the last stream of GOAWAY, or of no connection. */
  static final String UNTOUCHED = "not sent, or behind the last stream of GOAWAY";

  /** How it was told to take no further requests. */
  enum Farewell {
    NONE,
    CLOSE_HEADER,
    FIN,
    GO_AWAY,
    RESET
  }

  private final boolean http2;
  private final Channel channel;
  private final Receiving receiving = new Receiving(); // of HTTP/1.1
  private final AtomicLong sent = new AtomicLong();
  private volatile Farewell farewell = Farewell.NONE;

  private ClientConnection(
      EventLoopGroup group, SitePod from, InetSocketAddress to, boolean http2) {
    this.http2 = http2;
    this.channel =
        new Bootstrap()
            .group(group)
            .channelFactory(() -> from.call(NioSocketChannel::new))
            .handler(
                EchoServer.setup(pipeline -> {
                  if (http2) {
                    pipeline
                        .addLast(Http2FrameCodecBuilder.forClient().build())
                        .addLast(new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()))
                        .addLast(new Leaving());
                  } else {
                    pipeline.addLast(new HttpClientCodec()).addLast(receiving);
                  }
                }))
            .connect(to)
            .syncUninterruptibly()
            .channel();
  }

  /** Connects from inside {@code from}. */
  static ClientConnection open(
      EventLoopGroup group, SitePod from, InetSocketAddress to, boolean http2) {
    return new ClientConnection(group, from, to, http2);
  }

  Farewell farewell() {
    return farewell;
  }

  /** Octets of content that have been handed to the kernel, or to a window of HTTP/2. */
  long sent() {
    return sent.get();
  }

  /** Asks, and waits for the whole answer. */
  Reply ask(Ask ask) throws IOException {
    return await(begin(ask));
  }

  /** Waits for the whole answer. */
  static Reply await(CompletableFuture<Reply> reply) throws IOException {
    try {
      return reply.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IOException(e.getCause() == null ? e.toString() : e.getCause().toString(), e);
    }
  }

  /** Sends it, as fast as it is taken, and returns when all of it is on its way. */
  CompletableFuture<Reply> begin(Ask ask) throws IOException {
    Receiving answer = http2 ? new Receiving() : receiving;
    Channel way = http2 ? stream(answer) : channel;
    Waiting waiting = new Waiting();
    answer.waiting.add(waiting);
    if (!way.isActive()) {
      throw new IOException(UNTOUCHED);
    }
    send(way, ask.head());
    if (ask.framing() == Ask.Framing.CONTINUE) {
      waiting.continued.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
    }
    byte[] piece = Ask.piece(ask.id(), ask.bytes());
    for (long from = 0; from < ask.bytes(); from += Ask.PIECE) {
      send(way, ask.content(piece, from));
      sent.addAndGet(Ask.PIECE);
    }
    send(way, ask.end());
    return waiting.reply;
  }

  private Channel stream(Receiving answer) {
    return new Http2StreamChannelBootstrap(channel)
        .handler(
            EchoServer.setup(pipeline ->
                pipeline.addLast(new Http2StreamFrameToHttpObjectCodec(false)).addLast(answer)))
        .open()
        .syncUninterruptibly()
        .getNow();
  }

  private static void send(Channel way, Object part) throws IOException {
    try {
      way.writeAndFlush(part).get();
    } catch (Exception e) {
      boolean untouched =
          e.getCause() instanceof ClosedChannelException
              || String.valueOf(e.getMessage()).contains("Last-Stream-ID");
      throw new IOException(untouched ? UNTOUCHED : "cannot send: " + e.getMessage(), e);
    }
  }

  private void told(Farewell how) {
    if (farewell == Farewell.NONE || how == Farewell.RESET) {
      farewell = how;
    }
  }

  private static final class Waiting {
    final CompletableFuture<Void> continued = new CompletableFuture<>();
    final CompletableFuture<Reply> reply = new CompletableFuture<>();
  }

  /** Answers of a connection of HTTP/1.1, or the one of a stream. */
  private final class Receiving extends SimpleChannelInboundHandler<HttpObject> {
    private final Queue<Waiting> waiting = new ConcurrentLinkedQueue<>();
    private final CRC32C sum = new CRC32C();
    private @Nullable HttpResponse head;
    private long bytes;

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
      Waiting first = waiting.peek();
      if (first == null) {
        told(Farewell.RESET);
        context.close(); // an answer that nobody has asked for
        return;
      }
      if (part instanceof HttpResponse began) {
        if (began.status().codeClass() == HttpStatusClass.INFORMATIONAL) {
          first.continued.complete(null);
          return;
        }
        head = began;
        bytes = 0;
        sum.reset();
        if (began.headers().containsValue(HttpHeaderNames.CONNECTION, "close", true)) {
          told(Farewell.CLOSE_HEADER);
        }
      }
      HttpResponse begun = head;
      if (part instanceof HttpContent content && begun != null) {
        bytes += content.content().readableBytes();
        sum.update(content.content().nioBuffer());
        if (part instanceof LastHttpContent last) {
          head = null;
          waiting.remove();
          first.reply.complete(
              new Reply(
                  begun.status().code(),
                  begun.headers().get(Ask.ID, ""),
                  begun.headers().get(Ask.TOLD, ""),
                  bytes,
                  sum.getValue(),
                  last.trailingHeaders().get(Ask.TRAILER, "")));
        }
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      if (!http2) {
        told(Farewell.FIN);
      }
      lost("it ended before the answer");
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
      if (event instanceof Http2ResetFrame reset) {
        lost("RST_STREAM " + reset.errorCode());
      } else if (event instanceof Http2GoAwayFrame goAway) {
        goAway.release();
        lost(UNTOUCHED);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      told(Farewell.RESET);
      lost(cause.toString());
    }

    private void lost(String why) {
      for (Waiting one = waiting.poll(); one != null; one = waiting.poll()) {
        IOException failure = new IOException(why);
        one.continued.completeExceptionally(failure);
        one.reply.completeExceptionally(failure);
      }
    }
  }

  /** What a connection of HTTP/2 says of itself. */
  private final class Leaving extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object frame) {
      if (frame instanceof Http2GoAwayFrame goAway) {
        told(goAway.errorCode() == 0 ? Farewell.GO_AWAY : Farewell.RESET);
        goAway.release();
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      told(Farewell.FIN);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      told(Farewell.RESET);
    }
  }

  @Override
  public void close() {
    if (!channel.close().syncUninterruptibly().isSuccess()) {
      throw new UncheckedIOException(new IOException("cannot close"));
    }
  }
}
