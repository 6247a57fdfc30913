package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.netty.channel.epoll.LinuxSocket;
import io.sluice.await.Await;
import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.mesh.UpstreamSetting.RequestLimit;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import io.sluice.proxy.PodSockets;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.ReleaseMode;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.TestSettings;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.ref.WeakReference;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Calls from pod to pod of one node where the kernel leads past the listener: each of the two sides
 * records, limits and ends as if there were a connection between them.
 */
@Timeout(60)
class WithinNodeTest {
  private static final int TOTAL = 8 << 20;

  /** More than sockets take. */
  private static final int MUCH = 64 << 20;

  private static final int MOST = 32;
  private static final int KEPT = 30_000;
  private static final String FAILED = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
  private static final String END = "\r\n\r\n";

  @AutoClose
  private final ProxyFixture fixture =
      new ProxyFixture(
          TestSettings.but(it -> {
            it.connectTimeout = Duration.ofMillis(200);
            it.maxConnectionsPerPod = MOST;
          }));

  private final List<Socket> clients = new ArrayList<>();
  private final List<HttpFixture.Received> heads = new CopyOnWriteArrayList<>();

  @AfterEach
  void closeClients() throws IOException {
    for (Socket client : clients) {
      client.close();
    }
  }

  /** Where the buyer's connections to {@code app} of the store begin. */
  private InetSocketAddress entryTo(InetSocketAddress app) {
    fixture.publish(
        ProxyFixture.snapshot(
            false,
            false,
            List.of(Peers.V4),
            List.of(ProxyFixture.buyerMayReachStore()),
            List.of()));
    fixture.sockets.leadsPast = true;
    fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4);
    return fixture.outboundTo(app);
  }

  private Stream<AccessRecord> records() {
    return Stream.concat(fixture.recorder.closed.stream(), fixture.recorder.refused.stream());
  }

  private void awaitRecords(int number) {
    Await.until("all records", () -> records().count() == number);
  }

  @Test
  void bothSidesTellWhatWasSaid() throws IOException {
    try (var app = Peers.echo(Peers.V4)) {
      var entry = entryTo(app.address());

      try (Socket client = Peers.connect(entry)) {
        client.getOutputStream().write(new byte[] {1, 2, 3});
        client.shutdownOutput();
        assertThat(client.getInputStream().readAllBytes()).containsExactly(1, 2, 3);

        awaitRecords(2);
        assertThat(records())
            .extracting(
                record -> record.info().source().orElseThrow(),
                record -> record.info().client().getPort(),
                AccessRecord::bytesSent,
                AccessRecord::bytesReceived,
                AccessRecord::closeKind)
            .containsOnly(tuple(ProxyFixture.BUYER, client.getLocalPort(), 3L, 3L, CloseKind.FIN));
        assertThat(records())
            .extracting(record -> record.info().direction())
            .containsExactlyInAnyOrder(Direction.OUTBOUND, Direction.INBOUND);
        assertThat(fixture.sockets.opened)
            .containsExactly(
                new FakePodSockets.Opened(
                    ProxyFixture.BUYER,
                    Optional.of(
                        new PodSockets.Application(
                            ProxyFixture.STORE,
                            (InetSocketAddress) client.getLocalSocketAddress()))));
      }
      assertThat(fixture.proxy.stats().accepted()).isEqualTo(2);
      assertThat(fixture.recorder.opened).hasSize(2);
    }
  }

  @Test
  void whatIsManyPassesBothWaysAndWhatIsNotTakenWaits() throws Exception {
    CountDownLatch read = new CountDownLatch(1);
    CompletableFuture<Long> got = new CompletableFuture<>();
    try (var app =
        new Peers.Server(
            Peers.V4,
            16_384,
            socket -> {
              read.await();
              got.complete(socket.getInputStream().transferTo(OutputStream.nullOutputStream()));
              socket.getOutputStream().write(new byte[TOTAL]);
            })) {
      var entry = entryTo(app.address());
      try (Socket client = Peers.connect(entry)) {
        Thread sender =
            Thread.ofVirtual()
                .start(() -> {
                  try {
                    client.getOutputStream().write(new byte[TOTAL]);
                    client.shutdownOutput();
                  } catch (IOException e) {
                    got.completeExceptionally(e);
                  }
                });
        Await.until("something waits", () -> fixture.proxy.stats().bufferedBytes() > 0);
        read.countDown();

        assertThat(got.get(30, TimeUnit.SECONDS)).isEqualTo(TOTAL);
        InputStream answer = client.getInputStream();
        assertThat(answer.transferTo(OutputStream.nullOutputStream())).isEqualTo(TOTAL);
        sender.join();
      }
      awaitRecords(2);
      assertThat(records()).extracting(AccessRecord::closeKind).containsOnly(CloseKind.FIN);
      assertThat(fixture.proxy.stats().bufferedBytes()).isZero();
    }
  }

  /** By whom it was refused, and whether loopback may answer, only a listener can know. */
  @Test
  void whatIsRefusedOnTheWayGoesByTheListenerAndLeavesNothingBefore() throws IOException {
    useUp(entryTo(Peers.unused()));

    assertThat(fixture.recorder.onlyRefused())
        .extracting(
            record -> record.info().direction(), AccessRecord::closeKind, AccessRecord::closeReason)
        .containsExactly(Direction.OUTBOUND, CloseKind.CONNECT_FAILURE, Reason.UPSTREAM_REFUSED);
    assertThat(fixture.sockets.opened)
        .extracting(each -> each.inside(), each -> each.application().isPresent())
        .containsExactly(tuple(ProxyFixture.BUYER, true), tuple(ProxyFixture.BUYER, false));
    assertThat(fixture.proxy.stats().accepted()).isEqualTo(1);
    assertThat(fixture.proxy.stats().live()).isZero();
    assertThat(fixture.recorder.closed).isEmpty();
  }

  /** The listener, which is there only once it was refused, would refuse it as a second one. */
  @Test
  void whatGoesByTheListenerInTheEndIsTakenOnce() throws IOException {
    InetSocketAddress called = Peers.unused();
    var entry = entryTo(called);
    SnapshotEditor editor =
        ProxyFixture.snapshot(
                false,
                false,
                List.of(Peers.V4),
                List.of(ProxyFixture.buyerMayReachStore()),
                List.of(new Endpoint(called, true)))
            .edit();
    editor.put(
        new UpstreamSetting(
            ProxyFixture.STORE,
            new NamespacedName("shop", "limits"),
            Pool.NONE,
            null,
            new Limits(new Rate(1, Duration.ofHours(1), 0), 0, null, List.of())));
    fixture.publish(editor.snapshot(9));
    AtomicInteger dials = new AtomicInteger();
    fixture.sockets.opener =
        () ->
            switch (dials.incrementAndGet()) {
              case 1 -> CompletableFuture.completedFuture(newSocket());
              case 2 ->
                  CompletableFuture.supplyAsync(() -> {
                    fixture.serve(ProxyFixture.STORE, Direction.INBOUND, called, called);
                    return newSocket();
                  });
              default -> CompletableFuture.failedFuture(new IOException("on purpose"));
            };
    fixture.sockets.usesOpener = true;

    useUp(entry);

    Await.until("it was tried", () -> !fixture.recorder.refused.isEmpty());
    assertThat(fixture.recorder.refused.getFirst())
        .extracting(record -> record.info().direction(), AccessRecord::closeReason)
        .containsExactly(Direction.INBOUND, Reason.INTERNAL_ERROR);
    assertThat(dials).as("the last of them to the application").hasValue(3);
  }

  private static int newSocket() {
    return LinuxSocket.newSocketStream(false).intValue();
  }

  /** The reset may come before connect() has returned. */
  private static void useUp(InetSocketAddress entry) {
    assertThatThrownBy(
            () -> {
              try (Socket client = Peers.connect(entry)) {
                client.getInputStream().read();
              }
            })
        .isInstanceOf(SocketException.class)
        .hasMessageContaining("reset");
  }

  @Test
  void aResetOfTheClientReachesTheApplication() throws Exception {
    CompletableFuture<Boolean> reset = new CompletableFuture<>();
    try (var app =
        new Peers.Server(
            Peers.V4,
            socket -> {
              socket.getOutputStream().write(1);
              try {
                reset.complete(socket.getInputStream().read() >= 0);
              } catch (IOException e) {
                reset.complete(true);
              }
            })) {
      var entry = entryTo(app.address());
      Socket client = Peers.connect(entry);
      assertThat(client.getInputStream().read()).isEqualTo(1);

      Peers.reset(client);

      assertThat(reset.get(10, TimeUnit.SECONDS)).isTrue();
      awaitRecords(2);
      assertThat(records())
          .extracting(AccessRecord::closeKind)
          .containsOnly(CloseKind.RESET_BY_CLIENT);
    }
  }

  @Test
  void bothSidesEndWhenThePodCalledGoes() throws IOException {
    try (var app = Peers.echo(Peers.V4)) {
      var entry = entryTo(app.address());
      try (Socket client = Peers.connect(entry)) {
        Peers.exchange(client, 7);

        fixture.proxy.release(ProxyFixture.STORE, ReleaseMode.RESET_ESTABLISHED).join();

        awaitRecords(2);
        assertThat(records())
            .extracting(record -> record.info().direction(), AccessRecord::closeKind)
            .containsExactlyInAnyOrder(
                tuple(Direction.INBOUND, CloseKind.DRAIN),
                tuple(Direction.OUTBOUND, CloseKind.RESET_BY_UPSTREAM));
      }
    }
  }

  @Test
  void thePodCalledTakesNoMoreThanItsShare() throws IOException {
    try (var app = Peers.echo(Peers.V4)) {
      var entry = entryTo(app.address());
      for (int i = 0; i < MOST; i++) {
        clients.add(Peers.connect(entry));
      }

      // The last places are for others who call; its own calls have a room of their own.
      Await.until("refused", () -> !fixture.recorder.refused.isEmpty());
      assertThat(fixture.recorder.refused)
          .extracting(
              record -> record.info().direction(),
              record -> record.info().source().orElseThrow(),
              AccessRecord::closeReason)
          .containsOnly(tuple(Direction.INBOUND, ProxyFixture.BUYER, Reason.SOURCE_LIMIT));
      closeClients();
      awaitRecords(2 * MOST);
    }
  }

  @Test
  void isALoadOfItsEndpointOnce() throws IOException {
    try (var app = Peers.echo(Peers.V4);
        Socket client = Peers.connect(entryTo(app.address()))) {
      Peers.exchange(client, 'a');

      assertThat(fixture.proxy.endpointLoads()).isEqualTo(Map.of(app.address(), 1));
    }
    awaitRecords(2);
  }

  @Test
  void whoGoesBeforeTheAnswerIsTold() throws IOException {
    try (var app = Peers.echo(Peers.V4)) {
      var entry = entryTo(app.address());
      fixture.sockets.usesOpener = true; // which never answers
      Socket client = Peers.connect(entry);
      Await.until("both sides are there", () -> fixture.proxy.stats().live() == 2);

      Peers.reset(client);

      awaitRecords(2);
      assertThat(records())
          .extracting(AccessRecord::closeKind)
          .containsOnly(CloseKind.RESET_BY_CLIENT);
    }
  }

  @Test
  void anotherEndpointIsTriedWhereTheWayToTheFirstFails() throws IOException {
    InetAddress silent = InetAddress.ofLiteral("127.0.0.77");
    try (var app = Peers.echo(Peers.V4)) {
      entryTo(app.address());
      var there = new Endpoint(app.address(), true);
      var notThere = new Endpoint(new InetSocketAddress(silent, 9), true);
      fixture.publish(
          ProxyFixture.snapshot(
              false,
              false,
              List.of(Peers.V4, silent),
              List.of(ProxyFixture.buyerMayReachStore()),
              List.of(there, notThere)));
      fixture.sockets.unreachable = silent;
      var entry = fixture.outboundTo(new InetSocketAddress(ProxyFixture.STORE_VIP, 80));

      // Of two endpoints the one with fewer connections is tried first, as far as a loop knows.
      for (int i = 0; i < 2 * ProxySettings.DEFAULTS.eventLoops(); i++) {
        Socket client = Peers.connect(entry);
        clients.add(client);
        Peers.exchange(client, 7);
      }

      assertThat(fixture.sockets.opened).hasSizeGreaterThan(clients.size());
      assertThat(fixture.recorder.refused).isEmpty();
      assertThat(fixture.recorder.opened).hasSize(2 * clients.size());
    }
  }

  @Test
  void whatIsLedToAListenerAllTheSameIsRefused() throws IOException {
    var listener = fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4);
    fixture.sockets.redirect(ProxyFixture.STORE, Direction.INBOUND, listener);

    useUp(entryTo(listener));

    Await.until("ended", () -> fixture.proxy.stats().live() == 0);
    // A reset that is there before the dialer looks fails the dial, which is then tried once by two
    // hops.
    assertThat(fixture.proxy.stats().loops()).isBetween(1L, 2L);
  }

  @Test
  void aRequestIsReadOnceAndBothSidesDecideAndTellOfIt() throws IOException {
    try (var app =
        new Peers.Server(
            Peers.V4,
            socket -> {
              HttpFixture.Received received = new HttpFixture.Received();
              heads.add(received);
              HttpFixture.answerEach(socket, received);
            })) {
      var entry = entryTo(app.address());
      fixture.publish(withRequests());

      try (Socket client = Peers.connect(entry)) {
        for (int i = 0; i < 2; i++) {
          client
              .getOutputStream()
              .write("GET /books HTTP/1.1\r\nhOsT: store\r\n\r\n".getBytes(US_ASCII));
          assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200 ");
        }
        client
            .getOutputStream()
            .write("GET /keys HTTP/1.1\r\nHost: store\r\n\r\n".getBytes(US_ASCII));
        assertThat(HttpFixture.read(client, "\r\n\r\n")).startsWith("HTTP/1.1 403 ");
      }
      Await.until("both sides have told", () -> fixture.recorder.requests.size() == 5);
      assertThat(fixture.recorder.requests)
          .extracting(one -> one.info().direction(), RequestRecord::path, RequestRecord::status)
          .containsExactlyInAnyOrder(
              tuple(Direction.OUTBOUND, "/books", 200),
              tuple(Direction.INBOUND, "/books", 200),
              tuple(Direction.OUTBOUND, "/books", 200),
              tuple(Direction.INBOUND, "/books", 200),
              tuple(Direction.OUTBOUND, "/keys", 403));
      assertThat(heads)
          .as("one connection to the application")
          .singleElement()
          .satisfies(one ->
              assertThat(one.text())
                  .contains("x-forwarded-client-cert: By=", "URI=spiffe://cluster.local/"));
    }
    Await.until("nothing is left", () -> fixture.proxy.stats().live() == 0);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatStaysOpenHoldsNoFormerSnapshot(boolean requests) throws IOException {
    try (var app =
        new Peers.Server(
            Peers.V4, socket -> HttpFixture.answerEach(socket, new HttpFixture.Received()))) {
      var entry = entryTo(app.address());
      WeakReference<MeshSnapshot> former = published(requests, 9);
      try (Socket client = Peers.connect(entry)) {
        assertAnswered(client);

        WeakReference<MeshSnapshot> _ = published(requests, 10);

        Await.until(
            "the former one is let go",
            () -> {
              fixture.proxy.tick(System.nanoTime());
              System.gc();
              return former.refersTo(null);
            });
        assertAnswered(client);
      }
    }
  }

  private WeakReference<MeshSnapshot> published(boolean requests, long revision) {
    MeshSnapshot next =
        requests
            ? withRequests().withRevision(revision)
            : ProxyFixture.snapshot(
                    false,
                    false,
                    List.of(Peers.V4),
                    List.of(ProxyFixture.buyerMayReachStore()),
                    List.of())
                .withRevision(revision);
    fixture.publish(next);
    return new WeakReference<>(next);
  }

  private static void assertAnswered(Socket client) throws IOException {
    client.getOutputStream().write("GET /books HTTP/1.1\r\nHost: store\r\n\r\n".getBytes(US_ASCII));
    assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200 ");
  }

  /** The second one is outside the mesh, where nobody takes such a claim away. */
  @Test
  void theNextTryTellsNobodyWhatTheFirstOneWasTold() throws IOException {
    HttpFixture.Received outside = new HttpFixture.Received();
    try (var failing =
            new Peers.Server(
                Peers.V4,
                socket -> {
                  HttpFixture.Received received = new HttpFixture.Received();
                  heads.add(received);
                  HttpFixture.answerEach(socket, received, FAILED);
                });
        var good =
            new Peers.Server(
                TwoNodes.freshAddress(), socket -> HttpFixture.answerEach(socket, outside))) {
      entryTo(failing.address());
      SnapshotEditor editor =
          ProxyFixture.snapshot(true, true, List.of(Peers.V4), List.of(), List.of()).edit();
      editor.put(
          new Service(
              ProxyFixture.STORE,
              List.of(ProxyFixture.STORE_VIP),
              List.of(
                  new ServicePort(
                      "http",
                      80,
                      AppProtocol.HTTP,
                      List.of(
                          new Endpoint(failing.address(), true),
                          new Endpoint(good.address(), true))))));
      editor.put(retry(1, 1));
      fixture.publish(editor.snapshot(9));
      var entry = fixture.outboundTo(new InetSocketAddress(ProxyFixture.STORE_VIP, 80));

      while (heads.isEmpty()) {
        try (Socket client = Peers.connect(entry)) {
          client
              .getOutputStream()
              .write("GET /books HTTP/1.1\r\nHost: store\r\n\r\n".getBytes(US_ASCII));
          assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200 ");
        }
      }
      assertThat(heads.getFirst().text()).contains("x-forwarded-client-cert: By=");
      assertThat(outside.text()).doesNotContain("x-forwarded-client-cert");
    }
  }

  /** It is refused in the moment when its head is told, where more than is kept would follow. */
  @Test
  void whatIsRefusedAtOnceIsTriedAgainWithAllOfIt() throws Exception {
    String content = "x".repeat(KEPT) + "y".repeat(KEPT / 2);
    List<String> tries = new CopyOnWriteArrayList<>();
    CountDownLatch cut = new CountDownLatch(1);
    try (var app =
        new Peers.Server(
            Peers.V4,
            socket -> {
              DataInputStream in = new DataInputStream(socket.getInputStream());
              for (String head = ""; !head.endsWith(END); ) {
                head += (char) in.readByte();
              }
              boolean first = tries.isEmpty();
              tries.add(new String(in.readNBytes(first ? KEPT : content.length()), US_ASCII));
              socket.getOutputStream().write((first ? FAILED : HttpFixture.OK).getBytes(US_ASCII));
              try {
                in.read(); // until it is cut
              } finally {
                cut.countDown();
              }
            })) {
      entryTo(app.address());
      SnapshotEditor editor = withRequests().edit();
      editor.put(
          new Service(
              ProxyFixture.STORE,
              List.of(ProxyFixture.STORE_VIP),
              List.of(
                  new ServicePort(
                      "http", 80, AppProtocol.HTTP, List.of(new Endpoint(app.address(), true))))));
      editor.put(
          new UpstreamSetting(
              ProxyFixture.STORE,
              new NamespacedName("shop", "limits"),
              Pool.NONE,
              null,
              new Limits(
                  null,
                  0,
                  new RequestLimit(new Rate(1, Duration.ofSeconds(3), 0), 503, List.of()),
                  List.of())));
      editor.put(retry(100, 1_000));
      fixture.publish(editor.snapshot(9));

      try (Socket client =
          Peers.connect(fixture.outboundTo(new InetSocketAddress(ProxyFixture.STORE_VIP, 80)))) {
        OutputStream out = client.getOutputStream();
        out.write(
            ("POST /books HTTP/1.1\r\nHost: store\r\nContent-Length: " + content.length() + END)
                .getBytes(US_ASCII));
        out.write(content.getBytes(US_ASCII), 0, KEPT);
        cut.await();
        out.write(content.getBytes(US_ASCII), KEPT, KEPT / 2);
        assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200 ");
      }
      assertThat(tries).containsExactly(content.substring(0, KEPT), content);
      assertThat(fixture.recorder.requests)
          .as("refused at once")
          .anyMatch(one -> one.end() == RequestRecord.End.RATE_LIMITED);
    }
  }

  private static RetryPolicy retry(int most, long backoffMillis) {
    return new RetryPolicy(
        new NamespacedName("shop", "again"),
        ProxyFixture.BUYER,
        Set.of(ProxyFixture.STORE),
        Set.of(RetryPolicy.Condition.SERVER_ERROR),
        Set.of(),
        most,
        0,
        backoffMillis);
  }

  @Test
  void whatAnApplicationDoesNotTakeOfARequestWaitsAtItsSender() throws Exception {
    CountDownLatch read = new CountDownLatch(1);
    try (var app =
        new Peers.Server(
            Peers.V4,
            16_384,
            socket -> {
              HttpFixture.awaitQuietly(read);
              socket.getInputStream().skipNBytes(MUCH);
              HttpFixture.answerOnce(socket);
            })) {
      var entry = entryTo(app.address());
      fixture.publish(withRequests());

      try (Socket client = Peers.connect(entry)) {
        client
            .getOutputStream()
            .write(
                ("POST /books HTTP/1.1\r\nHost: store\r\nContent-Length: " + MUCH + "\r\n\r\n")
                    .getBytes(US_ASCII));
        CompletableFuture<Void> sent =
            CompletableFuture.runAsync(() -> {
              try {
                client.getOutputStream().write(new byte[MUCH]);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
        Await.until("bytes wait", () -> fixture.proxy.stats().bufferedBytes() > 0);
        assertThat(fixture.proxy.stats().bufferedBytes()).isLessThan(TOTAL / 4);
        assertThat(sent).isNotDone();
        read.countDown();
        sent.get(20, TimeUnit.SECONDS);
        assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200 ");
      }
    }
    Await.until("nothing waits", () -> fixture.proxy.stats().bufferedBytes() == 0);
  }

  /** A client that asks on its connection until that ends, and then on the next one. */
  private static void askOn(
      InetSocketAddress entry, AtomicBoolean over, Collection<Integer> statuses) {
    while (!over.get()) {
      try (Socket client = Peers.connect(entry)) {
        for (String answer = END; answer.endsWith(END); ) {
          client
              .getOutputStream()
              .write(("GET /books HTTP/1.1\r\nHost: s" + END).getBytes(US_ASCII));
          answer = HttpFixture.read(client, END);
          statuses.add(answer.endsWith(END) ? Integer.parseInt(answer.split(" ")[1]) : 0);
        }
      } catch (IOException e) {
        statuses.add(0);
      }
    }
  }

  /**
   * But for the moment of the end: between two requests a connection is ended without a word, which
   * its client learns by the next one; and an answer that has left may count as cut.
   */
  @Test
  void whatPolicyEndsIsToldOnceAndAsItsClientHasSeenIt() throws Exception {
    try (var app =
        new Peers.Server(
            Peers.V4,
            socket ->
                HttpFixture.answerEach(
                    socket,
                    new HttpFixture.Received(),
                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))) {
      var entry = entryTo(app.address());
      List<MeshSnapshot> policies =
          List.of(
              withRequests("/books"),
              ProxyFixture.snapshot(false, false, List.of(Peers.V4), List.of(), List.of()),
              withRequests("/others"));
      AtomicBoolean over = new AtomicBoolean();
      Queue<Integer> statuses = new ConcurrentLinkedQueue<>();
      List<CompletableFuture<Void>> asking =
          Stream.generate(() -> CompletableFuture.runAsync(() -> askOn(entry, over, statuses)))
              .limit(3)
              .toList();
      int revision = 9;
      for (; revision < 140; revision++) {
        int before = statuses.size();
        fixture.publish(policies.get(revision % policies.size()).withRevision(revision));
        Await.until("one more has ended", () -> statuses.size() > before);
      }
      over.set(true);
      fixture.publish(policies.get(1).withRevision(revision));
      for (CompletableFuture<Void> one : asking) {
        one.get(20, TimeUnit.SECONDS);
      }
      Await.until("nothing is left", () -> fixture.proxy.stats().live() == 0);

      int few = Collections.frequency(statuses, 0) / 10;
      Await.until("all are told of", () -> toldOf().size() >= statuses.size() - few);
      for (int status : List.of(0, 200, 403, 503)) {
        assertThat(Collections.frequency(toldOf(), status))
            .as("told of %s", status)
            .isCloseTo(Collections.frequency(statuses, status), within(few));
      }
      assertThat(statuses).contains(0, 200, 403);
    }
  }

  /** Statuses of requests, and 0 for each connection that was refused. */
  private List<Integer> toldOf() {
    Stream<Integer> asked =
        fixture.recorder.requests.stream()
            .filter(one -> one.info().direction() == Direction.OUTBOUND)
            .map(RequestRecord::status);
    Stream<Integer> ended =
        fixture.recorder.refused.stream()
            .filter(one -> one.info().direction() == Direction.OUTBOUND)
            .map(_ -> 0);
    return Stream.concat(asked, ended).toList();
  }

  private static MeshSnapshot withRequests() {
    return withRequests("/books");
  }

  private static MeshSnapshot withRequests(String path) {
    return ProxyFixture.snapshot(
        false,
        false,
        List.of(Peers.V4),
        List.of(
            new Permission(
                new NamespacedName("shop", "buy"),
                ProxyFixture.STORE,
                Set.of(ProxyFixture.BUYER),
                Ports.EVERY,
                new Access.Requests(List.of(HttpFixture.match(path, "GET", "POST"))))),
        List.of());
  }
}
