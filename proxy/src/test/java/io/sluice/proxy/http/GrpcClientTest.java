package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.sluice.api.envoy.rpc.Status;
import io.sluice.await.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.GrpcPeer;
import io.sluice.proxy.LeakCounter;
import io.sluice.proxy.Peers;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.KeepAlive;
import io.sluice.proxy.relay.ReadSizes;
import io.sluice.proxy.relay.SocketSetup;
import io.sluice.proxy.upstream.LocalPod;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever the other end does, a call ends, in time and with what it was answered or with why. */
@Timeout(60)
class GrpcClientTest {
  static {
    LeakCounter.install();
  }

  private static final String PATH = "/test.Service/Ask";
  private static final long LONG_MILLIS = 20_000;
  private static final long SHORT_MILLIS = 200;
  private static final Status QUESTION = Status.newBuilder().setMessage("may it?").build();
  private static final byte[] YES = "yes".getBytes(StandardCharsets.UTF_8);

  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final EventLoop loop = group.next();
  private final PooledByteBufAllocator allocator = new PooledByteBufAllocator(true);
  private final BufferBudget budget = new BufferBudget(64 << 20, null);
  private final Queue<String> troubles = new ConcurrentLinkedQueue<>();
  private final List<AutoCloseable> servers = new ArrayList<>();
  private long timeoutMillis = LONG_MILLIS;
  private final GrpcClient client = client(0);
  private final LocalPod store = pod("shop");

  private GrpcClient client(int first) {
    return new GrpcClient(loop, sockets(), allocator, budget, first, troubles::add);
  }

  private SocketSetup sockets() {
    return new SocketSetup(
        allocator,
        new ReadSizes(65_536, budget),
        KeepAlive.DEFAULT,
        cause -> troubles.add(cause.toString()));
  }

  @AfterEach
  void close() throws Exception {
    loop.submit(client::close).get();
    for (AutoCloseable server : servers) {
      server.close();
    }
    group.shutdownGracefully(20, 5_000, TimeUnit.MILLISECONDS).syncUninterruptibly();
    assertThat(budget.held()).as("bytes held after close").isZero();
    Await.until("all buffers freed", () -> allocator.pinnedDirectMemory() == 0);
    assertThat(LeakCounter.REPORTS).isEmpty();
  }

  private GrpcPeer serve(GrpcPeer.Conduct conduct) {
    GrpcPeer made = new GrpcPeer(conduct);
    servers.add(made);
    return made;
  }

  private void asks(long millis, InetSocketAddress... addresses) throws Exception {
    timeoutMillis = millis;
    loop.submit(() -> client.asks(List.of(addresses), "authority:1")).get();
  }

  /** What one call comes to: the answer's text, or why there is none. */
  private CompletableFuture<String> call() throws Exception {
    return call(store);
  }

  private CompletableFuture<String> call(LocalPod pod) throws Exception {
    CompletableFuture<String> outcome = new CompletableFuture<>();
    GrpcCall.Listener listener =
        new GrpcCall.Listener() {
          @Override
          public void answered(ByteString message) {
            outcome.complete(message.toStringUtf8());
          }

          @Override
          public void failed(String why, boolean answered) {
            outcome.complete("failed: " + why);
          }
        };
    if (on(() -> client.call(pod, PATH, QUESTION, timeoutMillis, listener)) == null) {
      outcome.complete("refused");
    }
    return outcome;
  }

  private <T> @Nullable T on(Callable<@Nullable T> what)
      throws ExecutionException, InterruptedException {
    return loop.submit(what).get();
  }

  private static String of(CompletableFuture<String> call) throws Exception {
    return call.get(10, TimeUnit.SECONDS);
  }

  @Test
  void manyCallsShareOneConnectionAndAreAnsweredInAnyOrder() throws Exception {
    GrpcPeer peer = serve((caller, stream, message) -> {});
    List<Integer> streams = new ArrayList<>();
    peer.conduct =
        (caller, stream, message) -> {
          streams.add(stream);
          if (streams.size() == 3) {
            for (int one : streams.reversed()) {
              caller.answer(one, ("to " + one).getBytes(StandardCharsets.UTF_8));
            }
          }
        };
    asks(LONG_MILLIS, peer.address());
    List<CompletableFuture<String>> calls = List.of(call(), call(), call());

    assertThat(List.of(of(calls.get(0)), of(calls.get(1)), of(calls.get(2))))
        .containsExactly("to 3", "to 5", "to 7");
    assertThat(peer.server.accepted).hasValue(1);
    assertThat(Status.parseFrom(peer.asked.element())).isEqualTo(QUESTION);
  }

  /** Ways not to answer. */
  enum Fault {
    HANG("failed: no answer in time") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) {}
    },
    HALF("failed: no answer in time") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) throws IOException {
        caller.head(stream);
        caller.data(stream, new byte[] {0, 0, 0});
      }
    },
    STATUS("failed: gRPC status 14") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) throws IOException {
        caller.head(stream);
        caller.trailers(stream, "14");
      }
    },
    NO_MESSAGE("failed: an answer that is not one message") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) throws IOException {
        caller.head(stream);
        caller.trailers(stream, "0");
      }
    },
    LYING_LENGTH("failed: an answer that is not one message") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) throws IOException {
        caller.head(stream);
        caller.data(stream, new byte[] {0, 0x7f, -1, -1, -1, 1});
        caller.trailers(stream, "0");
      }
    },
    COMPRESSED("failed: an answer that is not one message") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) throws IOException {
        caller.head(stream);
        caller.data(stream, new byte[] {1, 0, 0, 0, 1, 1});
        caller.trailers(stream, "0");
      }
    },
    HUGE("failed: an answer of more than") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) throws IOException {
        caller.head(stream);
        for (int i = 0; i < 3; i++) {
          caller.data(stream, new byte[16_384]);
        }
      }
    },
    WEB_PAGE("failed: HTTP status 404") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) throws IOException {
        caller.send(
            RawClient.HEADERS,
            RawClient.END_HEADERS | RawClient.END_STREAM,
            stream,
            RawClient.headers(":status", "404"));
      }
    },
    RESET_STREAM("failed: the call was reset") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) throws IOException {
        caller.send(RawClient.RST_STREAM, 0, stream, RawClient.number(2));
      }
    },
    RESET_CONNECTION("failed: ") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) throws IOException {
        caller.reset();
      }
    },
    GARBAGE("failed: ") {
      @Override
      void with(GrpcPeer.Caller caller, int stream) throws IOException {
        caller.send(0xff, 0xff, stream | 0x8000_0000, new byte[20]);
        caller.send(RawClient.DATA, 0, 0, new byte[20]);
      }
    };

    final String outcome;

    Fault(String outcome) {
      this.outcome = outcome;
    }

    abstract void with(GrpcPeer.Caller caller, int stream) throws IOException;
  }

  /** And the next one that is answered is none the worse for it. */
  @ParameterizedTest
  @EnumSource(Fault.class)
  void whatIsNoAnswerEndsTheCall(Fault fault) throws Exception {
    GrpcPeer peer = serve((caller, stream, message) -> fault.with(caller, stream));
    boolean waits = fault == Fault.HANG || fault == Fault.HALF;
    asks(waits ? SHORT_MILLIS : LONG_MILLIS, peer.address());
    long began = System.nanoTime();
    assertThat(of(call())).startsWith(fault.outcome);
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
    assertThat(millis).isBetween(waits ? SHORT_MILLIS : 0, LONG_MILLIS / 2);

    peer.conduct = (caller, stream, message) -> caller.answer(stream, YES);
    asks(LONG_MILLIS, peer.address());
    Await.until("it answers again", () -> answersNow());
    Await.until("what came is let go", () -> budget.held() == 0);
  }

  private boolean answersNow() {
    try {
      return of(call()).equals("yes");
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aServerThatSaysGoodbyeIsLeftAndItsCallsAreMadeAgain() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    GrpcPeer peer =
        serve((caller, stream, message) -> {
          if (asked.incrementAndGet() == 2) {
            byte[] after = ByteBuffer.allocate(8).putInt(stream - 2).putInt(0).array();
            caller.send(RawClient.GOAWAY, 0, 0, after);
          } else {
            caller.answer(stream, YES);
          }
        });
    asks(LONG_MILLIS, peer.address());
    assertThat(of(call())).isEqualTo("yes");
    assertThat(of(call())).as("by another connection").isEqualTo("yes");
    assertThat(peer.server.accepted).hasValue(2);
    assertThat(asked).hasValue(3);
  }

  @Test
  void oneThatAnswersNothingAnyMoreIsLeftForAnother() throws Exception {
    GrpcPeer silent = serve((caller, stream, message) -> {});
    GrpcPeer other = serve((caller, stream, message) -> caller.answer(stream, YES));
    asks(SHORT_MILLIS, silent.address(), other.address());
    long began = System.nanoTime();
    Await.until("the other one is asked", () -> answersNow());
    assertThat(System.nanoTime() - began).isGreaterThan(TimeUnit.SECONDS.toNanos(1));
    assertThat(silent.server.accepted).as("and not by many connections").hasValue(1);
  }

  /** Nothing within a millisecond says nothing of a server. */
  @Test
  void aCallThatWaitedForLittleDropsNoConnection() throws Exception {
    GrpcPeer peer = serve((caller, stream, message) -> caller.answer(stream, YES));
    asks(LONG_MILLIS, peer.address());
    assertThat(of(call())).isEqualTo("yes");
    long opened = System.nanoTime();
    Await.until(
        "its connection is no young one",
        () -> System.nanoTime() - opened > TimeUnit.MILLISECONDS.toNanos(1_200));
    peer.conduct = (caller, stream, message) -> {};
    timeoutMillis = 1;
    assertThat(of(call())).isEqualTo("failed: no answer in time");

    peer.conduct = (caller, stream, message) -> caller.answer(stream, YES);
    timeoutMillis = LONG_MILLIS;
    assertThat(of(call())).isEqualTo("yes");
    assertThat(peer.server.accepted).hasValue(1);
  }

  /** Its caller has made so many, and is not to pass unasked by that. */
  @Test
  void aCallThatNeverHadItsTurnIsNotOneThatNobodyAnswered() throws Exception {
    GrpcPeer peer = serve((caller, stream, message) -> caller.answer(stream, YES));
    asks(LONG_MILLIS, peer.address());
    assertThat(of(call())).isEqualTo("yes");
    AtomicInteger sent = new AtomicInteger();
    peer.conduct = (caller, stream, message) -> sent.incrementAndGet();
    Queue<Boolean> toldAnswered = new ConcurrentLinkedQueue<>();
    GrpcCall.Listener listener =
        new GrpcCall.Listener() {
          @Override
          public void answered(ByteString message) {}

          @Override
          public void failed(String why, boolean answered) {
            toldAnswered.add(answered);
          }
        };
    int all = 250;
    on(() -> {
      for (int i = 0; i < all; i++) {
        assertThat(client.call(store, PATH, QUESTION, SHORT_MILLIS, listener)).isNotNull();
      }
      return null;
    });
    Await.until("all are over", () -> toldAnswered.size() == all);
    assertThat(sent.get()).isBetween(1, all - 1);
    assertThat(toldAnswered.stream().filter(each -> !each)).hasSizeLessThanOrEqualTo(sent.get());
  }

  /** As where no descriptor is left. */
  @Test
  @SuppressWarnings("NullAway") // without an allocator no socket can be set up
  void oneAddressAfterTheOtherIsTriedWhereNoneCanBe() throws Exception {
    SocketSetup set = sockets();
    SocketSetup none = new SocketSetup(null, set.readSizes(), set.keepAlive(), set.failures());
    GrpcClient other = new GrpcClient(loop, none, allocator, budget, 0, troubles::add);
    servers.addFirst(() -> loop.submit(other::close).get());
    List<InetSocketAddress> addresses =
        IntStream.range(0, 20_000).mapToObj(i -> new InetSocketAddress(Peers.V4, 1 + i)).toList();
    on(() -> {
      other.asks(addresses, "authority:1");
      return other.call(store, PATH, QUESTION, LONG_MILLIS, ignored());
    });
    Await.until("all have been tried", () -> troubles.size() >= addresses.size());
    assertThat(troubles)
        .hasSize(addresses.size())
        .allMatch(line -> line.endsWith("no socket could be made"));
  }

  @Test
  void anAddressWhereNobodyListensIsPassedOverAndVersion6Is() throws Exception {
    GrpcPeer peer =
        new GrpcPeer(
            new InetSocketAddress(Peers.V6, 0),
            (caller, stream, message) -> caller.answer(stream, YES));
    servers.add(peer);
    asks(LONG_MILLIS, Peers.unused(), peer.address());
    assertThat(of(call())).isEqualTo("yes");
    assertThat(troubles).hasSize(1);
  }

  @Test
  void whereNobodyIsReachedCallsFailAtOnceUntilSomebodyIs() throws Exception {
    InetSocketAddress address = Peers.unused();
    asks(LONG_MILLIS, address);
    for (int i = 0; i < 100; i++) {
      assertThat(of(call())).startsWith("failed: it c");
    }
    assertThat(troubles).as("dialled now and then alone").hasSizeLessThan(20);
    servers.add(new GrpcPeer(address, (caller, stream, message) -> caller.answer(stream, YES)));
    Await.until("it answers", () -> answersNow());
    asks(LONG_MILLIS);
    assertThat(of(call())).isEqualTo("failed: no address is known");
  }

  /** Who asks at the start is not the worse for it that the name is looked up a moment later. */
  @Test
  void aNameThatIsStillSearchedForIsWaitedForAndNotForLong() throws Exception {
    GrpcPeer peer = serve((caller, stream, message) -> caller.answer(stream, YES));
    asks(LONG_MILLIS);
    CompletableFuture<String> early = call();
    asks(LONG_MILLIS, peer.address());
    assertThat(of(early)).isEqualTo("yes");

    loop.submit(() -> client.asks(List.of(), "another:1")).get();
    long began = System.nanoTime();
    assertThat(of(call())).isEqualTo("failed: no address is known");
    assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began))
        .isBetween(GrpcClient.PATIENCE_MILLIS / 2, LONG_MILLIS / 2);
    assertThat(of(call())).as("at once").isEqualTo("failed: no address is known");
    assertThat(troubles).hasSize(2);
  }

  /** Or the first one of the addresses would have to answer all nodes. */
  @Test
  void clientsOfOneServerBeginWithAnyOfItsAddresses() throws Exception {
    List<GrpcPeer> peers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      peers.add(serve((caller, stream, message) -> caller.answer(stream, YES)));
    }
    for (int first = -1; first < 2; first++) {
      GrpcClient other = client(first);
      on(() -> {
        other.asks(peers.stream().map(GrpcPeer::address).toList(), "authority:1");
        return other.call(store, PATH, QUESTION, LONG_MILLIS, ignored());
      });
      GrpcPeer chosen = peers.get(Math.floorMod(first, 3));
      Await.until("it is asked", () -> !chosen.asked.isEmpty());
      loop.submit(other::close).get();
    }
    assertThat(peers).allSatisfy(peer -> assertThat(peer.asked).hasSize(1));
  }

  @Test
  void theOctetsOfWhatWaitsHaveABound() throws Exception {
    GrpcPeer silent = serve((caller, stream, message) -> {});
    asks(LONG_MILLIS, silent.address());
    Status large = Status.newBuilder().setMessage("x".repeat(16_000)).build();
    var held = new AtomicLong(); // before the connection stands, and what waits can leave
    long taken =
        loop.submit(
                () -> {
                  long calls =
                      IntStream.iterate(0, i -> i + 1)
                          .takeWhile(i ->
                              client.call(pod("shop" + i), PATH, large, LONG_MILLIS, ignored())
                                  != null)
                          .count();
                  held.set(budget.held());
                  return calls;
                })
            .get();
    assertThat(taken).isEqualTo(GrpcClient.MOST_BYTES / (large.getSerializedSize() + 5));
    assertThat(held.get()).isBetween(taken * 16_000, (long) GrpcClient.MOST_BYTES);
  }

  private static final GrpcClients.Protocol<String> PROTOCOL =
      new GrpcClients.Protocol<>("test", PATH, false, ByteString::toStringUtf8);

  private LocalPod pod(String namespace) {
    return new LocalPod(
        new NamespacedName(namespace, "store"), budget, sockets(), new Account(null));
  }

  private GrpcClients clients() {
    return clients(GrpcClients.IDLE_MILLIS);
  }

  private GrpcClients clients(long idleMillis) {
    GrpcClients made =
        new GrpcClients(loop, sockets(), allocator, budget, troubles::add, idleMillis);
    servers.addFirst(() -> loop.submit(made::close).get());
    return made;
  }

  private static Inquiry<String> ask(
      GrpcClients clients, LocalPod pod, NamedServer server, List<Inquiry<String>> settled) {
    return ask(clients, PROTOCOL, pod, server, settled);
  }

  private static Inquiry<String> ask(
      GrpcClients clients,
      GrpcClients.Protocol<String> protocol,
      LocalPod pod,
      NamedServer server,
      List<Inquiry<String>> settled) {
    return Objects.requireNonNull(
        clients.ask(
            MeshSnapshot.EMPTY,
            server,
            protocol,
            QUESTION,
            LONG_MILLIS,
            true,
            new InetSocketAddress(Peers.V4, 1),
            pod,
            settled::add));
  }

  /** Nor do settings and the MeshConfig: what one does to its connection is felt by it alone. */
  @Test
  void namespacesThatNameTheSameServerShareNoConnection() throws Exception {
    GrpcPeer peer = serve((caller, stream, message) -> caller.answer(stream, YES));
    GrpcClients clients = clients();
    NamedServer server = new NamedServer("127.0.0.1", peer.address().getPort());
    List<Inquiry<String>> settled = new ArrayList<>();
    GrpcClients.Protocol<String> ofMesh =
        new GrpcClients.Protocol<>("test", PATH, true, ByteString::toStringUtf8);
    on(() -> {
      ask(clients, pod("a"), server, settled);
      ask(clients, pod("b"), server, settled);
      ask(clients, pod("b"), server, settled);
      ask(clients, ofMesh, pod("a"), server, settled);
      return null;
    });
    Await.until("all are answered", () -> loop.submit(settled::size).get() == 4);
    assertThat(peer.server.accepted).hasValue(3);
  }

  @Test
  void serversHaveABoundForEachNamespaceAndForAll() throws Exception {
    GrpcClients clients = clients();
    List<Inquiry<String>> settled = new ArrayList<>();
    List<Inquiry<String>> asked = new ArrayList<>();
    LocalPod greedy = pod("greedy");
    on(() -> {
      for (int port = 2; port < 2 + GrpcClients.MOST_OF_NAMESPACE + 1; port++) {
        asked.add(ask(clients, greedy, new NamedServer("127.0.0.1", port), settled));
      }
      for (int i = GrpcClients.MOST_OF_NAMESPACE; i <= GrpcClients.MOST_SERVERS; i++) {
        asked.add(ask(clients, pod("shop" + i), new NamedServer("127.0.0.1", 2), settled));
      }
      return null;
    });
    Await.until("nobody waits", () -> loop.submit(settled::size).get() == asked.size());
    assertThat(asked)
        .filteredOn(one -> !one.failsOpen())
        .as("beyond what may be asked")
        .containsExactly(asked.get(GrpcClients.MOST_OF_NAMESPACE), asked.getLast());
    assertThat(troubles).anyMatch(line -> line.contains("more servers than may be asked"));
    assertThat(greedy.asking).hasValue(0);
    assertThat(greedy.askingOctets).as("what is held of its bound").hasValue(0);
  }

  @Test
  void whoHasNotBeenAskedForLongIsLeftAndAskedAgain() throws Exception {
    GrpcPeer peer = serve((caller, stream, message) -> caller.answer(stream, YES));
    GrpcClients clients = clients(200);
    NamedServer server = new NamedServer("127.0.0.1", peer.address().getPort());
    List<Inquiry<String>> settled = new ArrayList<>();
    for (int i = 1; i <= 2; i++) {
      int times = i;
      on(() -> ask(clients, pod("shop"), server, settled));
      Await.until("it answers", () -> loop.submit(settled::size).get() == times);
      assertThat(peer.server.accepted).hasValue(times);
      Await.until("its connection has ended", () -> peer.ended.get() == times);
    }
  }

  /** One pod's, whatever comes of them, so that others' find room. */
  @Test
  void aPodsQuestionsHaveABoundAndWhatIsBeyondOpensNothing() throws Exception {
    GrpcPeer silent = serve((caller, stream, message) -> {});
    LocalPod pod = pod("shop");
    GrpcClients clients = clients();
    NamedServer server = new NamedServer("127.0.0.1", silent.address().getPort());
    List<Inquiry<String>> settled = new ArrayList<>();
    List<Inquiry<String>> asked = new ArrayList<>();
    on(() -> {
      for (int i = 0; i <= GrpcClients.MOST_OF_POD; i++) {
        asked.add(ask(clients, pod, server, settled));
      }
      return null;
    });
    Await.until("one is beyond", () -> loop.submit(settled::size).get() == 1);
    assertThat(settled).containsExactly(asked.getLast());
    assertThat(asked.getLast().failsOpen()).isFalse();
    assertThat(asked.getFirst().isUnderWay()).isTrue();
    assertThat(pod.asking).hasValue(GrpcClients.MOST_OF_POD);

    on(() -> {
      asked.forEach(Inquiry::cancel);
      return null;
    });
    assertThat(pod.asking).hasValue(0);
    assertThat(pod.askingOctets).hasValue(0);
    assertThat(settled).hasSize(1);
  }

  /** As many pods as there may be neighbours that ask much, at a server that is slow for those. */
  @Test
  void whatIsNotAnsweredToOthersKeepsNobodyWaiting() throws Exception {
    Status slow = Status.newBuilder().setMessage("slow").build();
    GrpcPeer peer =
        serve((caller, stream, message) -> {
          if (!Status.parseFrom(message).equals(slow)) {
            caller.answer(stream, YES);
          }
        });
    asks(LONG_MILLIS, peer.address());
    for (int i = 0; i < 10; i++) {
      LocalPod greedy = pod("greedy" + i);
      on(() -> {
        for (int asked = 0; asked < GrpcClients.MOST_OF_POD; asked++) {
          GrpcCall _ = client.call(greedy, PATH, slow, LONG_MILLIS, ignored());
        }
        return null;
      });
      assertThat(of(call())).as("beside %d others", i + 1).isEqualTo("yes");
    }
    assertThat(peer.server.accepted).hasValue(1);
  }

  @Test
  void memoryThatPodsHoldKeepsNobodyFromBeingAskedAbout() throws Exception {
    GrpcPeer peer = serve((caller, stream, message) -> caller.answer(stream, YES));
    List<Inquiry<String>> settled = new ArrayList<>();
    BufferBudget greedy = budget.part();
    greedy.hold(budget.limit());
    NamedServer server = new NamedServer("127.0.0.1", peer.address().getPort());
    GrpcClients clients = clients();
    on(() -> ask(clients, store, server, settled));
    Await.until("it is known", () -> loop.submit(settled::size).get() == 1);
    assertThat(settled.getFirst().answerOrNull()).isEqualTo("yes");
    greedy.release(budget.limit());
  }

  private static GrpcCall.Listener ignored() {
    return new GrpcCall.Listener() {
      @Override
      public void answered(ByteString message) {}

      @Override
      public void failed(String why, boolean answered) {}
    };
  }

  @Test
  void noMoreIsAskedNorWaitedForThanThereIsRoomFor() throws Exception {
    Queue<Callable<@Nullable Void>> open = new ConcurrentLinkedQueue<>();
    GrpcPeer peer =
        serve((caller, stream, message) ->
            open.add(() -> {
              caller.answer(stream, YES);
              return null;
            }));
    asks(LONG_MILLIS, peer.address());
    List<CompletableFuture<String>> calls = new ArrayList<>();
    for (int i = 0; i < GrpcClient.MOST_CALLS; i++) {
      calls.add(call(pod("shop" + i)));
    }
    Await.until("as many as may be are asked", () -> open.size() == GrpcClient.MOST_OPEN);
    assertThat(of(call())).isEqualTo("refused");
    assertThat(peer.asked).hasSize(GrpcClient.MOST_OPEN);

    peer.conduct = (caller, stream, message) -> caller.answer(stream, YES);
    for (Callable<@Nullable Void> one : open) {
      one.call();
    }
    for (CompletableFuture<String> call : calls) {
      assertThat(of(call)).isEqualTo("yes");
    }
    assertThat(of(call())).isEqualTo("yes");
    assertThat(peer.server.accepted).hasValue(1);
  }
}
