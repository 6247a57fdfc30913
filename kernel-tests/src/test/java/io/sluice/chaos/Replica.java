package io.sluice.chaos;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.SitePod;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * One of many alike: an application in a pod that repeats the path it was asked for, as well as it
 * is. It remembers from when to when it could have been asked. The test's thread, but for answers.
 */
final class Replica implements AutoCloseable {
  static final int PORT = 8080;
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  static final String READY = "/ready";

  private static final int MOST_CONTENT = 65_536;
  private static final int BACKLOG = 1_024;
  private static final int FLAKY_STATUS = 500;

  /** How it is. */
  enum State {
    WELL,
    /** Answers, a while later. */
    SLOW,
    /** Answers 503, also to who asks whether it is ready. */
    FAILING,
    /** Says it is ready, and fails every other request. */
    FLAKY,
    /** Takes connections and requests, and says nothing. */
    HANGING,
    /** Resets the connection of each request. */
    CUTTING,
    /** Nobody listens. */
    GONE
  }

  /** A time in which it was well and whoever calls could know of it; in nanoseconds. */
  private record Span(long from, long to) {}

  final SitePod pod;
  private final EventLoopGroup group;
  private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final AtomicLongArray asked = new AtomicLongArray(State.values().length); // by ordinal
  private final List<Span> spans = new ArrayList<>();
  private final LongAdder turns = new LongAdder();
  private volatile State state = State.GONE;
  private volatile long slowMillis;
  private @Nullable Channel listener;
  private boolean inService;
  private long wellSince;

  Replica(EventLoopGroup group, SitePod pod) {
    this.group = group;
    this.pod = pod;
  }

  State state() {
    return state;
  }

  boolean isInService() {
    return inService;
  }

  /** Callers know of it from that time on; 0: they are to forget it. */
  void inServiceSince(long nanos) {
    close(nanos == 0);
    inService = nanos != 0;
    wellSince = nanos;
  }

  private void close(boolean span) {
    if (span && inService && state == State.WELL) {
      spans.add(new Span(wellSince, System.nanoTime()));
    }
  }

  /** Becomes so, now; {@code millis} is how slow it is where it is. */
  void become(State next, long millis) {
    close(next != State.WELL);
    slowMillis = millis;
    boolean listens = state != State.GONE;
    state = next;
    if (next == State.GONE && listens) {
      stop();
    } else if (next != State.GONE && !listens) {
      listen();
    }
    wellSince = System.nanoTime();
  }

  /** Whether it could have answered all the time from {@code from} to {@code to}. */
  boolean wasWell(long from, long to) {
    return spans.stream().anyMatch(span -> span.from <= from && to <= span.to);
  }

  /** How often it was asked in that state. */
  long asked(State in) {
    return asked.get(in.ordinal());
  }

  /** The port is free once the event loop has looked at what was closed before. */
  private void listen() {
    ServerBootstrap listening =
        new ServerBootstrap()
            .group(group)
            .channelFactory(() -> pod.call(NioServerSocketChannel::new))
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childHandler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    connections.add(channel);
                    channel
                        .pipeline()
                        .addLast(new HttpServerCodec())
                        .addLast(new HttpObjectAggregator(MOST_CONTENT))
                        .addLast(new Answering());
                  }
                });
    Await.until(
        "port " + PORT + " of " + pod.name() + " is free",
        PATIENCE,
        () -> {
          ChannelFuture bound = listening.bind(new InetSocketAddress(PORT)).awaitUninterruptibly();
          listener = bound.channel();
          return bound.isSuccess();
        });
  }

  private void stop() {
    Channel present = listener;
    listener = null;
    if (present != null) {
      present.close().syncUninterruptibly();
    }
    connections.close().syncUninterruptibly();
  }

  private final class Answering extends SimpleChannelInboundHandler<FullHttpRequest> {
    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
      State now = state;
      boolean check = request.uri().equals(READY);
      if (!check) {
        asked.incrementAndGet(now.ordinal());
      }
      switch (now) {
        case WELL -> answer(context, HttpResponseStatus.OK, request.uri());
        case SLOW -> {
          String uri = request.uri();
          context
              .executor()
              .schedule(
                  () -> answer(context, HttpResponseStatus.OK, uri),
                  check ? 0 : slowMillis,
                  TimeUnit.MILLISECONDS);
        }
        case FAILING -> answer(context, HttpResponseStatus.SERVICE_UNAVAILABLE, "");
        case FLAKY -> {
          turns.increment();
          boolean good = check || turns.sum() % 2 == 0;
          answer(context, HttpResponseStatus.valueOf(good ? 200 : FLAKY_STATUS), request.uri());
        }
        case HANGING -> {} // whoever asked waits
        case CUTTING, GONE -> {
          context.channel().config().setOption(ChannelOption.SO_LINGER, 0);
          context.close();
        }
      }
    }

    private static void answer(
        ChannelHandlerContext context, HttpResponseStatus status, String text) {
      DefaultFullHttpResponse response =
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1, status, Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
      HttpUtil.setContentLength(response, response.content().readableBytes());
      context.writeAndFlush(response);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close(); // who called went away: the callers' log tells of it
    }
  }

  @Override
  public void close() {
    become(State.GONE, 0);
  }
}
