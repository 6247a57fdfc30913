package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.LinuxSocket;
import io.sluice.await.Await;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TlsParameters;
import io.sluice.mesh.TrustDomain;
import io.sluice.proxy.LeakCounter;
import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.limits.Source;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.KeepAlive;
import io.sluice.proxy.relay.ReadSizes;
import io.sluice.proxy.relay.Relay;
import io.sluice.proxy.relay.SocketSetup;
import io.sluice.proxy.relay.TcpChannel;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.tls.TlsPolicy;
import io.sluice.proxy.tls.TlsSettings;
import io.sluice.proxy.tls.TlsStack;
import io.sluice.proxy.tls.VerifiedPeer;
import io.sluice.proxy.tls.WorkloadCredentials;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Two proxies on loopback, IPv4 or IPv6 as the application is: what connects to {@link #entry} is
 * tunnelled to {@link #app}. Closing asserts that nothing leaked.
 */
final class HboneFixture implements AutoCloseable {
  static final SpiffeId STORE = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "store");
  static final SpiffeId BUYER = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "buyer");
  static final NamespacedName STORE_POD = new NamespacedName("shop", "store-1");
  static final NamespacedName BUYER_POD = new NamespacedName("shop", "buyer-1");

  /** As much as Netty's own choice of read sizes. */
  private static final int READ_BYTES = 65_536;

  static {
    LeakCounter.install();
  }

  /** How a relay ended, and at which of its ends. */
  record Ended(boolean bySocket, ChannelEnd how) {
    static final Ended FINISHED = new Ended(true, ChannelEnd.FINISHED);
  }

  final TestAuthority authority = new TestAuthority(TrustDomain.CLUSTER_LOCAL);
  final AtomicReference<WorkloadCredentials> stores = new AtomicReference<>(authority.issue(STORE));
  final AtomicReference<WorkloadCredentials> buyers = new AtomicReference<>(authority.issue(BUYER));
  final EventRecorder serverEvents = new EventRecorder();
  final EventRecorder clientEvents = new EventRecorder();
  final Queue<OpenFailure> failures = new ConcurrentLinkedQueue<>();
  final Queue<Ended> clientEnds = new ConcurrentLinkedQueue<>();
  final Queue<Ended> serverEnds = new ConcurrentLinkedQueue<>();
  final Queue<HboneRequest> requests = new ConcurrentLinkedQueue<>();
  final AtomicInteger socketsMade = new AtomicInteger();
  volatile TlsPolicy denied = TlsPolicy.OPEN;
  volatile TlsParameters parameters = TlsParameters.DEFAULTS;
  volatile Supplier<NamespacedName> pods = () -> BUYER_POD;
  volatile SpiffeId expected = STORE;
  volatile HboneServer.Requests policy = this::forward;

  final BufferBudget budget;
  final ServerRoom node;
  final HboneServer server;
  final HbonePool pool;
  final InetSocketAddress entry;
  final InetSocketAddress exit;
  volatile InetSocketAddress gateway;
  volatile InetSocketAddress app;

  private final PooledByteBufAllocator allocator = new PooledByteBufAllocator(true);
  private final SocketSetup setup;
  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(3, EpollIoHandler.newFactory());
  private final EventLoop serverLoop = group.next();
  private final EventLoop clientLoop = group.next();
  private final EventLoop acceptLoop = group.next();
  private final TlsIdentity storeEnd;
  private final TlsIdentity buyerEnd;
  private final AtomicInteger tunnels = new AtomicInteger();

  HboneFixture(TlsStack stack, HboneSettings settings, InetSocketAddress app) {
    this(stack, settings, app, 64 << 20);
  }

  /** With so many bytes for what waits, of both pods together. */
  HboneFixture(TlsStack stack, HboneSettings settings, InetSocketAddress app, long budgetBytes) {
    assumeThat(stack.isAvailable()).isTrue();
    this.app = app;
    this.budget = new BufferBudget(budgetBytes, null);
    this.setup =
        new SocketSetup(
            allocator,
            new ReadSizes(READ_BYTES, budget),
            KeepAlive.DEFAULT,
            cause -> fail("a relay failed", cause));
    TlsPolicy present =
        new TlsPolicy() {
          @Override
          public boolean denies(VerifiedPeer peer) {
            return denied.denies(peer);
          }

          @Override
          public TlsParameters parameters() {
            return parameters;
          }
        };
    storeEnd = new TlsIdentity(stack, stores::get, present, TlsSettings.DEFAULTS);
    buyerEnd = new TlsIdentity(stack, buyers::get, present, TlsSettings.DEFAULTS);
    node = new ServerRoom(settings.server(), 1);
    server = new HboneServer(STORE_POD, settings, serverEvents, node, budget);
    pool = new HbonePool(clientLoop, settings, allocator, this::open, clientEvents);
    exit =
        listen(channel -> {
          channel.config().setAllocator(allocator);
          Source source = Source.of(channel.remoteAddress().getAddress(), false);
          server.serve(channel, serverLoop, storeEnd, source, exchange -> policy.connect(exchange));
        });
    gateway = exit;
    entry = listen(this::enter);
  }

  private CompletableFuture<Integer> open(PoolKey key) {
    socketsMade.incrementAndGet();
    return CompletableFuture.completedFuture(newSocket());
  }

  private int newSocket() {
    return LinuxSocket.newSocketStream(app.getAddress() instanceof Inet6Address).intValue();
  }

  private InetSocketAddress listen(Consumer<EpollSocketChannel> accepted) {
    Channel listener =
        new ServerBootstrap()
            .group(acceptLoop)
            .channel(EpollServerSocketChannel.class)
            .option(io.netty.channel.ChannelOption.SO_BACKLOG, 1_024)
            .childHandler(new ChannelInboundHandlerAdapter())
            .handler(
                new ChannelInboundHandlerAdapter() {
                  @Override
                  public void channelRead(ChannelHandlerContext context, Object message) {
                    accepted.accept((EpollSocketChannel) message);
                  }
                })
            .bind(app.getAddress(), 0)
            .syncUninterruptibly()
            .channel();
    return (InetSocketAddress) listener.localAddress();
  }

  /** The client's proxy: a socket of the application, and the stream it is led into. */
  private void enter(EpollSocketChannel socket) {
    tunnels.incrementAndGet();
    TcpChannel near = new TcpChannel(socket, setup);
    near.whenGone(end -> {
      clientEnds.add(new Ended(true, end));
      tunnels.decrementAndGet();
    });
    clientLoop
        .register(socket)
        .addListener(registered -> {
          PoolKey key = new PoolKey(pods.get(), BUYER, gateway, expected);
          HboneRequest request = new HboneRequest(app, "for=127.0.0.1", null, false);
          Account account = new Account(null);
          pool.open(key, buyerEnd, budget, account, request, Duration.ZERO, opening(near));
        });
  }

  private HbonePool.Opening opening(TcpChannel near) {
    return new HbonePool.Opening() {
      @Override
      public void opened(HboneStream stream) {
        join(near, stream, true, clientEnds);
      }

      @Override
      public void failed(OpenFailure failure) {
        failures.add(failure);
        near.reset();
        clientEnds.add(new Ended(true, ChannelEnd.RESET_BY_US));
        tunnels.decrementAndGet();
      }
    };
  }

  private void join(ByteChannel near, ByteChannel far, boolean socketIsNear, Queue<Ended> ends) {
    new Relay(
            near,
            far,
            budget,
            (byNear, how) -> {
              ends.add(
                  how == ChannelEnd.FINISHED
                      ? Ended.FINISHED
                      : new Ended(byNear == socketIsNear, how));
              tunnels.decrementAndGet();
            })
        .start();
  }

  /** The server's proxy: dials what is asked for. */
  void forward(HboneExchange exchange) {
    requests.add(exchange.request());
    EpollSocketChannel socket = AdoptedSockets.connecting(newSocket());
    tunnels.incrementAndGet();
    TcpChannel far = new TcpChannel(socket, setup);
    exchange
        .eventLoop()
        .register(socket)
        .addListener(registered -> {
          socket
              .connect(exchange.request().destination())
              .addListener(connected -> {
                if (connected.isSuccess()) {
                  join(exchange.accept(), far, false, serverEnds);
                } else {
                  far.reset();
                  serverEnds.add(new Ended(true, ChannelEnd.RESET_BY_US));
                  tunnels.decrementAndGet();
                  exchange.refuse(HboneStatus.UPSTREAM_REFUSED);
                }
              });
        });
  }

  /** Bytes of buffers in use. */
  long pinnedBytes() {
    return allocator.pinnedDirectMemory();
  }

  int connections() {
    return clientLoop.submit(pool::connections).syncUninterruptibly().getNow();
  }

  @Override
  public void close() {
    pool.drain(Duration.ZERO).orTimeout(10, TimeUnit.SECONDS).join();
    server.drain(Duration.ZERO).orTimeout(10, TimeUnit.SECONDS).join();
    Await.until("all tunnels ended", () -> tunnels.get() == 0);
    storeEnd.close();
    buyerEnd.close();
    group.shutdownGracefully(20, 5_000, TimeUnit.MILLISECONDS).syncUninterruptibly();
    assertThat(budget.held()).as("bytes held after close").isZero();
    LeakCounter.assertAllFreed(allocator.metric());
  }
}
