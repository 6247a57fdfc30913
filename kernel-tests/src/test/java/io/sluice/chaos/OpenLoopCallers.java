package io.sluice.chaos;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.sluice.lab.site.SitePod;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Clients in pods that ask so many times a second together, by turns, whatever becomes of what they
 * have asked; each keeps the connections that it has opened, and repeats nothing. What they log is
 * theirs: what was asked when, and the one thing that came of it.
 */
final class OpenLoopCallers implements AutoCloseable {
  private static final int MOST_CONTENT = 65_536;
  private static final int CONTENT_EVERY = 10;
  private static final byte[] CONTENT = "x".repeat(2_000).getBytes(StandardCharsets.US_ASCII);

  /**
   * What a client has asked for, and what came of it.
   *
   * @param due when it was to be asked, in nanoseconds
   * @param problem empty where the answer was the one to what was asked
   */
  record Outcome(String path, long due, long end, String problem) {
    boolean isGood() {
      return problem.isEmpty();
    }

    /** Of the answer; a word where there was none. */
    String status() {
      return isGood() ? "200" : problem.split(" ", 2)[0];
    }
  }

  private final EventLoopGroup group;
  private final List<Caller> callers = new ArrayList<>();
  private final InetSocketAddress service;
  private final long intervalNanos;
  private final Queue<Outcome> log = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private final long begun = System.nanoTime(); // so that no two requests are of one path
  private volatile boolean ending;
  private volatile long made;

  /** Begins at once. */
  OpenLoopCallers(
      EventLoopGroup group, List<SitePod> pods, InetSocketAddress service, int perSecond) {
    this.group = group;
    this.service = service;
    this.intervalNanos = 1_000_000_000L / perSecond;
    pods.forEach(pod -> callers.add(new Caller(pod)));
    this.thread = Thread.ofPlatform().name("open-loop").start(this::ask);
  }

  private void ask() {
    long due = System.nanoTime();
    for (int i = 0; !ending; i++) {
      long wait = due - System.nanoTime();
      if (wait > 0) {
        LockSupport.parkNanos(wait);
      }
      if (System.nanoTime() - due >= 0) {
        callers.get(i % callers.size()).ask(i, due);
        made = i + 1;
        due += intervalNanos;
      } else {
        i--; // woken early
      }
    }
  }

  /** Asks nothing more, and tells of everything that was asked; who waits longer is told so. */
  List<Outcome> end(Duration patience) {
    ending = true;
    long deadline = System.nanoTime() + patience.toNanos();
    try {
      thread.join();
      while (log.size() < made && System.nanoTime() - deadline < 0) {
        Thread.sleep(20);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    callers.forEach(Caller::end);
    return List.copyOf(log);
  }

  long made() {
    return made;
  }

  private final class Caller {
    private final SitePod pod;
    private final Deque<Channel> idle = new ArrayDeque<>(); // guarded by itself
    private final Deque<Asking> open = new ArrayDeque<>(); // guarded by idle

    Caller(SitePod pod) {
      this.pod = pod;
    }

    void ask(int number, long due) {
      String path = "/orders/" + begun + "/" + number;
      Channel known = poll();
      Asking asking = new Asking(this, path, due, number % CONTENT_EVERY == 0);
      if (known == null) {
        connect(asking);
      } else {
        known.pipeline().addLast(asking);
        asking.send(known);
      }
    }

    private @Nullable Channel poll() {
      synchronized (idle) {
        Channel next = idle.pollLast();
        while (next != null && !next.isActive()) {
          next = idle.pollLast();
        }
        return next;
      }
    }

    private void connect(Asking asking) {
      ChannelFuture connecting =
          new Bootstrap()
              .group(group)
              .channelFactory(() -> pod.call(NioSocketChannel::new))
              .handler(
                  new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                      channel
                          .pipeline()
                          .addLast(new HttpClientCodec())
                          .addLast(new HttpObjectAggregator(MOST_CONTENT))
                          .addLast(asking);
                    }
                  })
              .connect(service);
      connecting.addListener(done -> {
        if (done.isSuccess()) {
          asking.send(connecting.channel());
        } else {
          asking.told("no connection: " + done.cause());
        }
      });
    }

    void end() {
      List<Asking> waiting;
      synchronized (idle) {
        idle.forEach(Channel::close);
        waiting = List.copyOf(open);
      }
      waiting.forEach(Asking::giveUp);
    }
  }

  /** One request; the last handler of its connection until it is answered. */
  private final class Asking extends SimpleChannelInboundHandler<FullHttpResponse> {
    private final Caller caller;
    private final String path;
    private final long due;
    private final boolean content;
    private boolean over; // guarded by caller.idle
    private @Nullable Channel carrier; // likewise

    Asking(Caller caller, String path, long due, boolean content) {
      this.caller = caller;
      this.path = path;
      this.due = due;
      this.content = content;
      synchronized (caller.idle) {
        caller.open.add(this);
      }
    }

    void giveUp() {
      told("no answer");
      Channel open;
      synchronized (caller.idle) {
        open = carrier;
      }
      if (open != null) {
        open.close();
      }
    }

    void send(Channel channel) {
      synchronized (caller.idle) {
        if (over) {
          channel.close();
          return;
        }
        carrier = channel;
      }
      DefaultFullHttpRequest request =
          new DefaultFullHttpRequest(
              HttpVersion.HTTP_1_1,
              content ? HttpMethod.POST : HttpMethod.GET,
              path,
              content ? Unpooled.wrappedBuffer(CONTENT) : Unpooled.EMPTY_BUFFER);
      request.headers().set(HttpHeaderNames.HOST, "store");
      if (content) {
        HttpUtil.setContentLength(request, CONTENT.length);
      }
      channel
          .writeAndFlush(request)
          .addListener(done -> {
            if (!done.isSuccess()) {
              told("not sent: " + done.cause());
            }
          });
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpResponse response) {
      int status = response.status().code();
      String text = response.content().toString(StandardCharsets.US_ASCII);
      boolean lasts = HttpUtil.isKeepAlive(response);
      context.pipeline().remove(this);
      told(status == 200 && text.equals(path) ? "" : status + " '" + text + "'");
      if (lasts) {
        synchronized (caller.idle) {
          caller.idle.add(context.channel());
        }
      } else {
        context.close();
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      told("the connection ended before the answer");
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      told(cause.toString());
      context.close();
    }

    void told(String problem) {
      synchronized (caller.idle) {
        if (over) {
          return;
        }
        over = true;
        caller.open.remove(this);
      }
      log.add(new Outcome(path, due, System.nanoTime(), problem));
    }
  }

  @Override
  public void close() {
    List<Outcome> _ = end(Duration.ZERO);
  }
}
