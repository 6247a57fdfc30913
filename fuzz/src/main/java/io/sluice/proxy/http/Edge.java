package io.sluice.proxy.http;

import static io.sluice.fuzz.Promises.require;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.internal.logging.InternalLoggerFactory;
import io.netty.util.internal.logging.JdkLoggerFactory;
import io.sluice.mesh.Access;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Regex;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.AcceptedFacts;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.PodSockets;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.Retried;
import io.sluice.proxy.WorkloadIdentities;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.hbone.HboneEvents;
import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.KeepAlive;
import io.sluice.proxy.relay.Pipe;
import io.sluice.proxy.relay.ReadSizes;
import io.sluice.proxy.relay.SocketSetup;
import io.sluice.proxy.upstream.LocalPod;
import io.sluice.proxy.upstream.Means;
import io.sluice.proxy.upstream.UpstreamLoop;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One downstream connection of the proxy as it is, with all that decides and leads on, but between
 * pipes: whatever there is on both its sides is in memory, and happens when it is told to.
 */
final class Edge implements Exchanges.Listener, AutoCloseable {
  /** What of paths is granted. */
  static final Regex GRANTED = Regex.of("/(b.*)?");

  private static final long BUDGET_BYTES = 64 << 20;
  private static final NamespacedName CALLER = new NamespacedName("shop", "buyer");
  private static final NamespacedName CALLED = new NamespacedName("shop", "store");
  private static final InetAddress CALLER_ADDRESS = InetAddress.ofLiteral("10.0.0.1");
  private static final InetAddress CALLED_ADDRESS = InetAddress.ofLiteral("10.0.0.2");
  private static final int PORT = 80;
  private static final MeshSnapshot SNAPSHOT =
      MeshSnapshot.of(
          1,
          true,
          List.of(
              MeshSettings.CLOSED,
              workload(CALLER, CALLER_ADDRESS),
              workload(CALLED, CALLED_ADDRESS),
              new Permission(
                  CALLED,
                  CALLED,
                  Set.of(CALLER),
                  Ports.EVERY,
                  new Access.Requests(
                      List.of(new HttpMatch("granted", GRANTED, Set.of(), Map.of()))))));

  /** What the codecs of Netty would hide in a log. */
  private static final List<LogRecord> LOGGED = new ArrayList<>();

  private static final Logger NETTY = Logger.getLogger("io.netty");

  static {
    InternalLoggerFactory.setDefaultFactory(JdkLoggerFactory.INSTANCE);
    NETTY.setUseParentHandlers(false);
    NETTY.addHandler(
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            if (record.getLevel().intValue() >= Level.WARNING.intValue()) {
              LOGGED.add(record);
            }
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        });
  }

  final HeapAllocator allocator = new HeapAllocator();
  private final EmbeddedChannel clock = new EmbeddedChannel();
  private final BufferBudget budget = new BufferBudget(BUDGET_BYTES, null);
  private final List<ByteChannel> ends = new ArrayList<>();
  private final Exchanges exchanges;
  private long passedNanos;
  private boolean ended;

  /**
   * The proxy, to which nobody is connected. {@code application} is given each connection to it.
   */
  Edge(BiConsumer<Edge, ByteChannel> application) {
    Means means = new Means(ProxySettings.DEFAULTS, new InMemory(), WorkloadIdentities.NONE);
    LocalPod caller = pod(CALLER);
    means.served.put(CALLER, caller);
    means.served.put(CALLED, pod(CALLED));
    EventLoop loop = clock.eventLoop();
    UpstreamLoop upstreams =
        new UpstreamLoop(
            loop,
            means,
            allocator,
            HboneEvents.NONE,
            dial -> {
              ByteChannel end = dial.accept();
              ends.add(end);
              application.accept(this, end);
            });
    InetSocketAddress client = new InetSocketAddress(CALLER_ADDRESS, 40_000);
    InetSocketAddress called = new InetSocketAddress(CALLED_ADDRESS, PORT);
    Subject subject = new Subject(CALLER, Direction.OUTBOUND, client);
    subject.calls(called);
    GrpcClients clients = new GrpcClients(loop, caller.sockets, allocator, budget, _ -> {});
    exchanges =
        new Exchanges(
            new Exchanges.Surroundings(
                upstreams,
                new IdleLeads(loop, ProxySettings.DEFAULTS.leftTime()),
                caller,
                caller,
                () -> SNAPSHOT,
                new Authorizer(clients, _ -> {}),
                new RateLimiter(clients, _ -> {}),
                allocator,
                loop,
                loop::execute),
            new Flow(CALLER, null, false, client, called, true),
            subject,
            1,
            this);
  }

  private static Workload workload(NamespacedName name, InetAddress address) {
    return new Workload(
        name,
        new SpiffeId(TrustDomain.CLUSTER_LOCAL, name.namespace(), name.name()),
        List.of(address),
        Map.of(),
        true,
        null,
        null,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }

  private LocalPod pod(NamespacedName name) {
    SocketSetup sockets =
        new SocketSetup(
            allocator,
            new ReadSizes(65_536, budget),
            KeepAlive.DEFAULT,
            cause -> {
              throw new AssertionError(cause);
            });
    return new LocalPod(name, budget, sockets, new Account(null));
  }

  /** Leads from one pod to the other, and nowhere else. */
  private static final class InMemory implements PodSockets {
    @Override
    public AcceptedFacts accepted(NamespacedName pod, Direction direction, int fd) {
      throw new AssertionError("there are no sockets");
    }

    @Override
    public CompletableFuture<Integer> open(
        NamespacedName inside, InetAddress destination, Optional<Application> application) {
      throw new AssertionError("there are no sockets");
    }

    @Override
    public boolean canLeadPast(
        NamespacedName caller, NamespacedName callee, InetSocketAddress destination) {
      return true;
    }
  }

  /** A connection to the proxy: the client's end. */
  ByteChannel connect() {
    Pipe pipe = pipe();
    exchanges.start(pipe.far());
    return pipe.near();
  }

  /** A connection that has nothing to do with the proxy. */
  Pipe pipe() {
    Pipe pipe = new Pipe();
    ends.add(pipe.near());
    return pipe;
  }

  HttpSetup setup() {
    return new HttpSetup(clock.eventLoop(), allocator, HttpLimits.DEFAULTS, budget);
  }

  BufferBudget budget() {
    return budget;
  }

  /** One that follows what happens now. */
  void later(Runnable what) {
    clock.eventLoop().execute(what);
  }

  /**
   * Sends these octets to the proxy.
   *
   * @param cuts chooses where they are cut; 0 for nowhere
   */
  void send(ByteChannel from, byte[] octets, int cuts) {
    SplittableRandom random = new SplittableRandom(cuts);
    int at = 0;
    while (at < octets.length) {
      int most = cuts == 0 ? octets.length : 1 << random.nextInt(8);
      int length = Math.min(octets.length - at, cuts == 0 ? most : 1 + random.nextInt(most));
      from.write(allocator.heapBuffer(length).writeBytes(octets, at, length));
      from.flush();
      settle();
      at += length;
    }
  }

  /** What is to follow follows. */
  void settle() {
    clock.runPendingTasks();
  }

  /** Time goes by. */
  void pass(int seconds) {
    passedNanos += TimeUnit.SECONDS.toNanos(seconds);
    clock.advanceTimeBy(seconds, TimeUnit.SECONDS);
    exchanges.look(System.nanoTime() + passedNanos);
    settle();
  }

  @Override
  public void exchanged(RequestRecord record) {}

  @Override
  public void retried(ConnectionInfo info, List<Retried> events) {}

  @Override
  public boolean timesAnswers() {
    return false;
  }

  @Override
  public List<String> headersToTell() {
    return List.of();
  }

  @Override
  public void refused(Verdict verdict, @Nullable RequestRecord askedOrNull) {
    // As the connection does that it is of.
    ended = true;
    exchanges.end();
  }

  @Override
  public void ended(boolean byClient, ChannelEnd how) {
    require(!ended, "it has ended twice");
    ended = true;
  }

  /** Ends everything, and sees to it that nothing is left. */
  @Override
  public void close() {
    exchanges.drain();
    settle();
    exchanges.end();
    ends.forEach(ByteChannel::reset);
    for (int i = 0; i < 3; i++) { // what was scheduled schedules
      clock.advanceTimeBy(1, TimeUnit.MINUTES);
      settle();
    }
    clock.finishAndReleaseAll();
    require(exchanges.isIdle(), "a request is open without a connection");
    require(budget.held() == 0, "the budget holds " + budget.held() + " octets of nobody");
    require(allocator.used() == 0, allocator.used() + " octets were not released");
    if (!LOGGED.isEmpty()) {
      LogRecord first = LOGGED.getFirst();
      LOGGED.clear();
      throw new AssertionError("Netty warns: " + first.getMessage(), first.getThrown());
    }
  }

  /** An end of which the octets are seen. */
  static final class Raw implements ByteChannel.Listener {
    final ByteChannel channel;
    final ByteArrayOutputStream heard = new ByteArrayOutputStream();
    @Nullable ChannelEnd end;
    boolean inputEnded;

    Raw(ByteChannel channel) {
      this.channel = channel;
      channel.listen(this);
      channel.start();
    }

    @Override
    public void bytes(ByteBuf bytes) {
      byte[] octets = new byte[bytes.readableBytes()];
      bytes.readBytes(octets).release();
      heard.writeBytes(octets);
    }

    @Override
    public void batchEnded() {
      channel.read();
    }

    @Override
    public void inputEnded() {
      inputEnded = true;
    }

    @Override
    public void closed(ChannelEnd how) {
      end = how;
    }

    /** Octets, and how it ended. */
    String text() {
      return heard.toString(StandardCharsets.ISO_8859_1)
          + (inputEnded ? "[end]" : "")
          + (end == ChannelEnd.RESET_BY_PEER ? "[reset]" : "");
    }
  }
}
