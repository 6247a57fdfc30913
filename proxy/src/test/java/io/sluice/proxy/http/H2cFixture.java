package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.LinuxSocket;
import io.sluice.await.Await;
import io.sluice.proxy.LeakCounter;
import io.sluice.proxy.Peers;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.KeepAlive;
import io.sluice.proxy.relay.ReadSizes;
import io.sluice.proxy.relay.SocketSetup;
import io.sluice.proxy.relay.TcpChannel;
import java.net.InetSocketAddress;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Servers and clients of HTTP/2 over real sockets, on one event loop. */
final class H2cFixture implements AutoCloseable {
  private static final int READ_BYTES = 65_536;

  static {
    LeakCounter.install();
  }

  /** What the owners of all connections of one side were told. */
  static final class Told implements Http2Codec.Listener {
    final Queue<ChannelEnd> ends = new ConcurrentLinkedQueue<>();
    final Queue<Integer> refused = new ConcurrentLinkedQueue<>();
    final Queue<Boolean> floods = new ConcurrentLinkedQueue<>();

    @Override
    public void refused(int status) {
      refused.add(status);
    }

    @Override
    public void broken(boolean flood) {
      floods.add(flood);
    }

    @Override
    public void closed(ChannelEnd end) {
      ends.add(end);
    }
  }

  final Told servers = new Told();
  final Told clients = new Told();
  final Set<Http2Codec> open = ConcurrentHashMap.newKeySet();
  final BufferBudget budget;
  final EventLoop loop;
  private final HttpLimits limits;
  private final PooledByteBufAllocator allocator = new PooledByteBufAllocator(true);
  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(2, EpollIoHandler.newFactory());
  private final EventLoop acceptLoop = group.next();
  private final SocketSetup sockets;

  H2cFixture(HttpLimits limits) {
    this(limits, 64 << 20);
  }

  H2cFixture(HttpLimits limits, long budgetBytes) {
    this.limits = limits;
    this.loop = group.next();
    this.budget = new BufferBudget(budgetBytes, null);
    this.sockets =
        new SocketSetup(
            allocator,
            new ReadSizes(READ_BYTES, budget),
            KeepAlive.DEFAULT,
            cause -> fail("a socket failed", cause));
  }

  HttpSetup setup() {
    return new HttpSetup(loop, allocator, limits, budget);
  }

  /** Serves each connection; {@code requests} is given the exchanges. */
  InetSocketAddress serve(Consumer<HttpStream> requests) {
    return serve(() -> requests);
  }

  /** The same with another taker for each connection. */
  InetSocketAddress serve(Callable<Consumer<HttpStream>> takers) {
    Channel listener =
        new ServerBootstrap()
            .group(acceptLoop)
            .channel(EpollServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 1_024)
            .childHandler(new ChannelInboundHandlerAdapter())
            .handler(
                new ChannelInboundHandlerAdapter() {
                  @Override
                  public void channelRead(ChannelHandlerContext context, Object message)
                      throws Exception {
                    accept((EpollSocketChannel) message, takers.call());
                  }
                })
            .bind(Peers.V4, 0)
            .syncUninterruptibly()
            .channel();
    return (InetSocketAddress) listener.localAddress();
  }

  private void accept(EpollSocketChannel socket, Consumer<HttpStream> requests) {
    TcpChannel bytes = new TcpChannel(socket, sockets);
    bytes.whenActive(() -> {
      var server = new Http2Server(bytes, setup(), servers, requests);
      open.add(server);
      server.start();
    });
    loop.register(socket);
  }

  /** Connects from the event loop, and completes there. */
  CompletableFuture<Http2Client> dial(InetSocketAddress address) {
    EpollSocketChannel socket =
        AdoptedSockets.connecting(LinuxSocket.newSocketStream(false).intValue());
    TcpChannel bytes = new TcpChannel(socket, sockets);
    var dialled = new CompletableFuture<Http2Client>();
    loop.register(socket)
        .addListener(registered ->
            socket
                .connect(address)
                .addListener(connected -> {
                  if (!connected.isSuccess()) {
                    dialled.completeExceptionally(connected.cause());
                    return;
                  }
                  var client = new Http2Client(bytes, setup(), clients);
                  open.add(client);
                  client.start();
                  dialled.complete(client);
                }));
    return dialled;
  }

  Http2Client connect(InetSocketAddress address) {
    return dial(address).orTimeout(10, TimeUnit.SECONDS).join();
  }

  /** Does it on the event loop and waits. */
  <T> T on(Callable<T> what) {
    return loop.submit(what).syncUninterruptibly().getNow();
  }

  void run(Runnable what) {
    loop.submit(what).syncUninterruptibly();
  }

  long pinnedBytes() {
    return allocator.pinnedDirectMemory();
  }

  @Override
  public void close() {
    run(() -> open.forEach(Http2Codec::reset));
    Await.until("all closed", () -> servers.ends.size() + clients.ends.size() == open.size());
    group.shutdownGracefully(20, 5_000, TimeUnit.MILLISECONDS).syncUninterruptibly();
    assertThat(budget.held()).as("bytes held after close").isZero();
    assertThat(budget.promised()).as("bytes promised after close").isZero();
    LeakCounter.assertAllFreed(allocator.metric());
  }
}
