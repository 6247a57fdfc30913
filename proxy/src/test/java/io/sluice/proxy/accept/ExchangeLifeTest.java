package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.ReceiveWindows;
import io.sluice.proxy.limits.BufferBudget;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of requests where an end, the policy or the daemon changes its mind under them. */
@Timeout(60)
class ExchangeLifeTest {
  private static final String GET = "GET /books HTTP/1.1\r\nHost: store\r\n\r\n";
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  private static final byte[] POST =
      RawClient.headers(
          ":method", "POST", ":scheme", "http", ":authority", "store", ":path", "/books");
  private static final byte[] CONNECT =
      RawClient.headers(
          ":method",
          "CONNECT",
          ":protocol",
          "websocket",
          ":scheme",
          "http",
          ":authority",
          "store",
          ":path",
          "/books");

  private static final int CONTENT = 96 * 1_024;
  private static final int PIECE = 16 * 1_024;
  private static final int SHARE = 4 * 1_024;

  private static void say(Socket socket, String octets) throws IOException {
    socket.getOutputStream().write(octets.getBytes(ISO_8859_1));
  }

  private static void awaitHead(Socket socket, HttpFixture.Received received) throws IOException {
    byte[] buffer = new byte[4_096];
    InputStream in = socket.getInputStream();
    int heads = received.text().split("\r\n\r\n", -1).length;
    while (received.text().split("\r\n\r\n", -1).length == heads) {
      int n = in.read(buffer);
      if (n < 0) {
        return;
      }
      received.add(buffer, n);
    }
  }

  @Test
  void anApplicationThatClosesWhatWaitsIsAskedByANewConnection() throws IOException {
    try (var mesh =
            new HttpFixture(
                (socket, received) -> {
                  awaitHead(socket, received);
                  say(socket, OK);
                },
                "/books");
        Socket client = mesh.connect()) {
      for (int i = 1; i <= 3; i++) {
        say(client, GET);
        assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200");
        int made = i;
        Await.until("another connection was needed", () -> mesh.received.size() >= made);
      }
    }
  }

  @Test
  void anApplicationThatIsNotThereIsToldByItsStatus() throws IOException {
    try (var mesh = new HttpFixture()) {
      mesh.nodes.app.close();
      assertThat(mesh.ask(GET, "\r\n\r\n")).startsWith("HTTP/1.1 503 Service Unavailable\r\n");
      Await.until("it is told", () -> mesh.nodes.client.recorder.requests.size() == 1);
      assertThat(mesh.nodes.client.recorder.requests)
          .singleElement()
          .satisfies(one -> {
            assertThat(one.status()).isEqualTo(503);
            assertThat(one.end()).isEqualTo(RequestRecord.End.NO_UPSTREAM);
          });
    }
  }

  @Test
  void anAnswerThatIsCutIsCutForTheClientToo() throws IOException {
    try (var mesh =
        new HttpFixture(
            (socket, received) -> {
              awaitHead(socket, received);
              say(socket, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok");
            },
            "/books")) {
      assertThat(mesh.ask(GET, "")).startsWith("HTTP/1.1 200 OK\r\n").endsWith("ok[reset]");
    }
  }

  @Test
  void anotherProtocolFlowsAfterItsUpgrade() throws IOException {
    try (var mesh =
            new HttpFixture(
                (socket, received) -> {
                  awaitHead(socket, received);
                  say(
                      socket,
                      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
                          + "Upgrade: websocket\r\n\r\n");
                  InputStream in = socket.getInputStream();
                  for (int octet = in.read(); octet >= 0; octet = in.read()) {
                    socket.getOutputStream().write(octet + 1);
                  }
                  say(socket, "end");
                },
                "/books");
        Socket client = mesh.connect()) {
      say(
          client,
          "GET /books HTTP/1.1\r\nHost: store\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
      assertThat(HttpFixture.read(client, "\r\n\r\n"))
          .startsWith("HTTP/1.1 101 Switching Protocols\r\n")
          .contains("Connection: Upgrade\r\nUpgrade: websocket\r\n");
      say(client, "\r\n\r\nGET /secret HTTP/1.1");
      assertThat(HttpFixture.read(client, "2/2")).endsWith("2/2");
      client.shutdownOutput();
      assertThat(HttpFixture.read(client, "")).isEqualTo("end");
      assertThat(mesh.received.getFirst().text())
          .contains("Connection: Upgrade\r\nUpgrade: websocket\r\n", "Sec-WebSocket-Key: ");
      for (TestNode node : List.of(mesh.nodes.client, mesh.nodes.server)) {
        Await.until("it is told", () -> node.recorder.requests.size() == 1);
        assertThat(node.recorder.requests.getFirst().end()).isEqualTo(RequestRecord.End.WHOLE);
      }
    }
  }

  @Test
  void aCallOfGrpcThatIsForbiddenLeavesItsConnectionUsable() throws IOException {
    try (var mesh = new HttpFixture();
        Socket client = mesh.connect()) {
      say(
          client,
          "POST /keys HTTP/1.1\r\nHost: store\r\nContent-Type: application/grpc\r\n"
              + "Content-Length: 0\r\n\r\n");
      assertThat(HttpFixture.read(client, "\r\n\r\n"))
          .contains("grpc-status: 7\r\n", "Content-Length: 0\r\n");
      say(client, GET);
      assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void anApplicationIsLeftInPeaceByAClientThatLeaves() throws Exception {
    CompletableFuture<Integer> end = new CompletableFuture<>();
    try (var mesh =
        new HttpFixture(
            (socket, received) -> {
              awaitHead(socket, received);
              say(socket, OK);
              try {
                end.complete(socket.getInputStream().read());
              } catch (IOException e) {
                end.completeExceptionally(e);
              }
            },
            "/books")) {
      assertThat(mesh.ask(GET, "ok")).startsWith("HTTP/1.1 200 ");
      assertThat(end.get(20, TimeUnit.SECONDS)).isEqualTo(-1);
    }
  }

  @Test
  void chunksAndTrailersArriveAndInterimAnswersToo() throws IOException {
    String asked =
        "POST /books HTTP/1.1\r\nHost: store\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n"
            + "Expect: 100-continue\r\n\r\n";
    try (var mesh =
            new HttpFixture(
                (socket, received) -> {
                  awaitHead(socket, received);
                  say(socket, "HTTP/1.1 100 Continue\r\n\r\n");
                  awaitHead(socket, received);
                  say(
                      socket,
                      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                          + "2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n");
                  awaitHead(socket, received);
                },
                "/books");
        Socket client = mesh.connect()) {
      say(client, asked);
      assertThat(HttpFixture.read(client, "\r\n\r\n")).isEqualTo("HTTP/1.1 100 Continue\r\n\r\n");
      say(client, "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Count: 5\r\n\r\n");
      assertThat(HttpFixture.read(client, "X-Sum"))
          .contains("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n", "0\r\nX-Sum: 2\r\n");
      assertThat(mesh.received.getFirst().text())
          .contains("Connection: TE\r\n", "TE: trailers\r\n", "Expect: 100-continue\r\n")
          .contains("0\r\nX-Count: 5\r\n\r\n")
          .doesNotContain("x=y");
    }
  }

  @Test
  void clientsOfTheOldVersionGetAnswersThatTheyUnderstand() throws IOException {
    try (var mesh =
        new HttpFixture(
            (socket, received) -> {
              awaitHead(socket, received);
              say(
                  socket,
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
              awaitHead(socket, received);
            },
            "/books")) {
      assertThat(mesh.ask("GET /books HTTP/1.0\r\n\r\n", ""))
          .isEqualTo("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok");
    }
  }

  @Test
  void aDaemonThatLeavesSaysSoInTheNextAnswerAndCutsNone() throws Exception {
    CountDownLatch leaves = new CountDownLatch(1);
    AtomicInteger asked = new AtomicInteger();
    try (var mesh =
            new HttpFixture(
                (socket, received) -> {
                  for (int i = 0; i < 2; i++) {
                    awaitHead(socket, received);
                    asked.incrementAndGet();
                    if (i == 1) {
                      HttpFixture.awaitQuietly(leaves);
                    }
                    say(socket, OK);
                  }
                  awaitHead(socket, received);
                },
                "/books");
        Socket busy = mesh.connect();
        Socket idle = mesh.connect()) {
      say(busy, GET);
      assertThat(HttpFixture.read(busy, "ok")).doesNotContain("Connection");
      say(idle, GET);
      HttpFixture.read(idle, "ok");
      say(busy, GET);
      Await.until("the last one is under way", () -> asked.get() == 3);

      mesh.nodes.client.proxy.leaveListeners();
      leaves.countDown();
      say(idle, GET);
      for (Socket each : List.of(busy, idle)) {
        assertThat(HttpFixture.read(each, ""))
            .startsWith("HTTP/1.1 200 OK\r\nConnection: close\r\n")
            .endsWith("ok");
      }
    }
  }

  @Test
  void whoseAnswerHadBegunBeforeTheDaemonLeftIsToldByTheOneAfter() throws Exception {
    CountDownLatch leaves = new CountDownLatch(1);
    try (var mesh =
            new HttpFixture(
                (socket, received) -> {
                  awaitHead(socket, received);
                  say(socket, OK.substring(0, OK.length() - 1));
                  HttpFixture.awaitQuietly(leaves);
                  say(socket, "k");
                  awaitHead(socket, received);
                  say(socket, OK);
                  awaitHead(socket, received);
                },
                "/books");
        Socket client = mesh.connect()) {
      say(client, GET);
      assertThat(HttpFixture.read(client, "\r\n\r\no")).doesNotContain("Connection");

      mesh.nodes.client.proxy.leaveListeners();
      leaves.countDown();
      assertThat(HttpFixture.read(client, "k")).isEqualTo("k");
      say(client, GET);
      assertThat(HttpFixture.read(client, ""))
          .startsWith("HTTP/1.1 200 OK\r\nConnection: close\r\n")
          .endsWith("ok");
    }
  }

  @Test
  void aRequestThatPolicyTakesBackIsCutAndAnotherGoesOn() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    try (var mesh =
            new HttpFixture(
                (socket, received) -> {
                  awaitHead(socket, received);
                  HttpFixture.awaitQuietly(goOn);
                  say(socket, OK);
                },
                "/.*");
        Socket kept = mesh.connect();
        Socket cut = mesh.connect()) {
      say(kept, GET);
      say(cut, "GET /secret HTTP/1.1\r\nHost: store\r\n\r\n");
      Await.until("both are under way", () -> mesh.received.size() == 2);
      Await.until(
          "both have been asked",
          () -> mesh.received.stream().allMatch(one -> one.text().endsWith("\r\n\r\n")));

      mesh.nodes.publish(mesh.nodes.withRequests(List.of(HttpFixture.match("/books", "GET"))));
      assertThat(HttpFixture.read(cut, "\r\n\r\n")).startsWith("HTTP/1.1 403 ");
      goOn.countDown();
      assertThat(HttpFixture.read(kept, "ok")).startsWith("HTTP/1.1 200 ");
      Await.until("both are told", () -> mesh.nodes.client.recorder.requests.size() == 2);
      Await.until( // by which of both, the first that heard of it
          "its end is told with the reason",
          () ->
              Stream.of(mesh.nodes.client, mesh.nodes.server)
                  .flatMap(node -> node.recorder.requests.stream())
                  .anyMatch(one ->
                      one.path().equals("/secret")
                          && one.verdict().reason() == Reason.ROUTE_NOT_GRANTED));

      say(kept, "GET /secret HTTP/1.1\r\nHost: store\r\n\r\n"); // as was granted when it came
      assertThat(HttpFixture.read(kept, "\r\n\r\n")).startsWith("HTTP/1.1 403 ");
    }
  }

  @Test
  void aConnectionThatPolicyEndsBetweenItsRequestsIsToldAsRefused() throws IOException {
    try (var mesh = new HttpFixture();
        Socket client = mesh.connect()) {
      say(client, GET);
      assertThat(HttpFixture.read(client, "ok")).startsWith("HTTP/1.1 200 ");

      mesh.nodes.client.publish(mesh.nodes.withRequests(List.of()));
      assertThat(HttpFixture.read(client, "ok")).isEqualTo("[reset]");
      AccessRecord told = mesh.nodes.client.recorder.onlyRefused();
      assertThat(told.closeReason()).isEqualTo(Reason.HTTP_ONLY);
      assertThat(told.verdict().reason()).isEqualTo(Reason.HTTP_ONLY);
      assertThat(mesh.nodes.client.recorder.requests).hasSize(1);
    }
  }

  /** By either node at most once, whichever of them knows first. */
  @Test
  void soIsOneOfHttp2() throws IOException {
    try (var mesh =
            new HttpFixture((socket, _) -> HttpFixture.answerStreams(socket, _ -> true), "/books");
        RawClient client = new RawClient(mesh.nodes.entry)) {
      client.settle();
      client.flood(HttpFixture.frames(1));
      assertThat(client.next(RawClient.HEADERS).stream()).isEqualTo(1);
      TestNode asked = mesh.nodes.server;
      Await.until("both are told of it", () -> !asked.recorder.requests.isEmpty());

      mesh.nodes.publish(mesh.nodes.withRequests(List.of()));

      assertThat(client.isCutOff()).isTrue();
      assertThat(mesh.nodes.client.recorder.onlyRefused().closeReason())
          .isEqualTo(Reason.HTTP_ONLY);
      Await.until("it is over there too", () -> asked.proxy.stats().live() == 0);
      assertThat(asked.recorder.refused).hasSizeLessThanOrEqualTo(1);
      assertThat(asked.recorder.requests).hasSize(1);
      assertThat(mesh.nodes.client.recorder.requests).hasSize(1);
    }
  }

  /** Else who waits with half of what a pod may hold would be ended as one who holds all of it. */
  @Test
  void contentThatWaitsIsCountedOnceThoughTwoStreamsHoldIt() throws Exception {
    CountDownLatch known = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    try (var mesh =
            new HttpFixture(
                (socket, _) -> {
                  takeNoContent(socket);
                  known.countDown();
                  HttpFixture.awaitQuietly(over);
                },
                "/books");
        RawClient client = new RawClient(mesh.nodes.entry)) {
      client.settle();
      client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, POST);
      assertThat(known.await(20, TimeUnit.SECONDS)).isTrue();

      int credit = ReceiveWindows.FIRST_OF_STREAM;
      for (int sent = 0; sent < CONTENT; sent += PIECE) {
        while (credit < PIECE) {
          RawClient.Frame more = client.next(RawClient.WINDOW_UPDATE);
          credit += more.stream() == 1 ? more.error() : 0;
        }
        client.send(RawClient.DATA, 0, 1, new byte[PIECE]);
        credit -= PIECE;
      }

      BufferBudget near = mesh.nodes.client.proxy.path.budget;
      BufferBudget server = mesh.nodes.server.proxy.path.budget;
      // By how it came in pieces, the last of it may wait for a window at the client's node.
      Await.until("all of it waits", () -> near.held() + server.held() >= CONTENT);
      assertThat(server.peak()).isLessThan(CONTENT + PIECE);
      over.countDown();
    }
  }

  private static void takeNoContent(Socket socket) throws IOException {
    byte[] noWindow = {0, 4, 0, 0, 0, 0}; // SETTINGS_INITIAL_WINDOW_SIZE
    DataInputStream in = new DataInputStream(socket.getInputStream());
    in.skipNBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length());
    socket.getOutputStream().write(RawClient.frame(RawClient.SETTINGS, 0, 0, noWindow));
    for (boolean known = false; !known; ) {
      int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
      int type = in.readUnsignedByte();
      known = in.readUnsignedByte() == RawClient.ACK && type == RawClient.SETTINGS;
      in.skipNBytes(4 + length);
    }
  }

  /** Else it would be told as if the client had gone. */
  @Test
  void whatIsEndedForWantOfMemoryIsToldAsCut() throws Exception {
    CountDownLatch known = new CountDownLatch(1);
    CountDownLatch over = new CountDownLatch(1);
    try (var mesh =
            new HttpFixture(
                (socket, _) -> {
                  takeNoContent(socket);
                  known.countDown();
                  HttpFixture.awaitQuietly(over);
                },
                "/books");
        RawClient client = new RawClient(mesh.nodes.entry)) {
      client.settle();
      client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, POST);
      assertThat(known.await(20, TimeUnit.SECONDS)).isTrue();
      TestNode node = mesh.nodes.server;
      BufferBudget all = node.proxy.path.budget;
      int many = (int) (all.limit() / SHARE);
      List<BufferBudget> others = Stream.generate(all::part).limit(many).toList();
      others.forEach(one -> one.hold(SHARE));

      client.send(RawClient.DATA, 0, 1, new byte[PIECE]);

      Await.until("it is told", () -> node.recorder.requests.size() == 1);
      assertThat(node.recorder.requests.getFirst().end()).isEqualTo(RequestRecord.End.CUT);
      others.forEach(one -> one.release(SHARE));
      over.countDown();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"GET /books HT", "POST /books HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\n1"})
  void aRequestThatItsClientEndsIsToldAsEndedByTheClient(String begun) throws IOException {
    try (var mesh = new HttpFixture();
        Socket client = mesh.connect()) {
      say(client, begun);
      client.shutdownOutput();

      assertThat(HttpFixture.read(client, "")).isEqualTo("[reset]");
      List<RequestRecord> told = mesh.nodes.client.recorder.requests;
      Await.until("it is told", () -> told.size() == 1);
      assertThat(told.getFirst().end()).isEqualTo(RequestRecord.End.RESET_BY_CLIENT);
      assertThat(told.getFirst().status()).isZero();
    }
  }

  /** What was asked where nothing can be answered any more would be done without being told. */
  @Test
  void whatIsAskedFirstOnceTheDaemonHasEndedTheConnectionIsNotDone() throws Exception {
    try (var mesh = new HttpFixture();
        Socket client = mesh.connect()) {
      Await.until("it stands", () -> mesh.nodes.client.proxy.stats().live() == 1);
      CompletableFuture<Void> drained = mesh.nodes.client.proxy.drain(Duration.ofSeconds(20));
      assertThat(client.getInputStream().read()).isEqualTo(-1);

      say(client, GET);
      for (int i = 0; i < 16; i++) { // more than waits anywhere while a request is under way
        client.getOutputStream().write(new byte[1 << 20]);
      }
      client.shutdownOutput();

      drained.get(10, TimeUnit.SECONDS);
      assertThat(mesh.received).isEmpty();
    }
  }

  @Test
  void aTunnelOfHttp2GoesOnInOneDirectionWhereTheOtherHasEnded() throws IOException {
    try (var mesh = new HttpFixture(ExchangeLifeTest::endTunnel, ".*");
        RawClient client = new RawClient(mesh.nodes.entry)) {
      mesh.nodes.publish(mesh.nodes.withRequests(List.of(HttpFixture.match("/books"))));
      client.settle();
      client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, CONNECT);
      RawClient.Frame last = client.next(RawClient.DATA);
      while ((last.flags() & RawClient.END_STREAM) == 0) {
        last = client.next(RawClient.DATA);
      }

      client.send(RawClient.DATA, RawClient.END_STREAM, 1, "more".getBytes(ISO_8859_1));

      Await.until("it comes", () -> mesh.received.getFirst().text().equals("more"));
      for (TestNode node : List.of(mesh.nodes.client, mesh.nodes.server)) {
        Await.until("it is told", () -> node.recorder.requests.size() == 1);
        assertThat(node.recorder.requests.getFirst().end()).isEqualTo(RequestRecord.End.WHOLE);
      }
    }
  }

  /** As servers do that want nothing more of it (RFC 9113 §8.1). */
  @Test
  void aTunnelOfHttp2ThatItsApplicationEndsAndResetsIsWhole() throws IOException {
    try (var mesh = new HttpFixture((socket, received) -> endTunnel(socket, received, true), ".*");
        RawClient client = new RawClient(mesh.nodes.entry)) {
      mesh.nodes.publish(mesh.nodes.withRequests(List.of(HttpFixture.match("/books"))));
      client.settle();
      client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, CONNECT);
      RawClient.Frame last = client.next(RawClient.DATA);
      while ((last.flags() & RawClient.END_STREAM) == 0) {
        last = client.next(RawClient.DATA);
      }

      for (TestNode node : List.of(mesh.nodes.client, mesh.nodes.server)) {
        Await.until("it is told", () -> node.recorder.requests.size() == 1);
        assertThat(node.recorder.requests.getFirst().end()).isEqualTo(RequestRecord.End.WHOLE);
      }
    }
  }

  private static void endTunnel(Socket socket, HttpFixture.Received received) throws IOException {
    endTunnel(socket, received, false);
  }

  /** Takes a tunnel (RFC 8441) and ends it on its own side at once, with a reset behind or not. */
  private static void endTunnel(Socket socket, HttpFixture.Received received, boolean resets)
      throws IOException {
    byte[] takesConnect = {0, 8, 0, 0, 0, 1}; // SETTINGS_ENABLE_CONNECT_PROTOCOL
    byte[] ok = {(byte) 0x88}; // RFC 7541, appendix A
    DataInputStream in = new DataInputStream(socket.getInputStream());
    in.skipNBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length());
    socket.getOutputStream().write(RawClient.frame(RawClient.SETTINGS, 0, 0, takesConnect));
    while (true) {
      int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
      int type = in.readUnsignedByte();
      in.readByte();
      int stream = in.readInt();
      byte[] payload = in.readNBytes(length);
      if (type == RawClient.HEADERS) {
        socket
            .getOutputStream()
            .write(RawClient.frame(RawClient.HEADERS, RawClient.END_HEADERS, stream, ok));
        socket
            .getOutputStream()
            .write(RawClient.frame(RawClient.DATA, RawClient.END_STREAM, stream, ok));
        if (resets) {
          byte[] noError = new byte[4];
          socket.getOutputStream().write(RawClient.frame(RawClient.RST_STREAM, 0, stream, noError));
        }
      } else if (type == RawClient.DATA) {
        received.add(payload, length);
      }
    }
  }

  @Test
  void anApplicationOfHttp2IsAskedForNoTunnelThatItDoesNotOffer() throws IOException {
    List<Integer> asked = new CopyOnWriteArrayList<>();
    try (var mesh =
            new HttpFixture((socket, _) -> HttpFixture.answerStreams(socket, asked::add), ".*");
        RawClient client = new RawClient(mesh.nodes.entry)) {
      mesh.nodes.publish(mesh.nodes.withRequests(List.of(HttpFixture.match("/books"))));
      client.settle();
      for (int stream : List.of(1, 3)) { // by a new connection, and by one that stands
        client.send(RawClient.HEADERS, RawClient.END_HEADERS, stream, CONNECT);
        Await.until(
            "it is told", () -> mesh.nodes.client.recorder.requests.size() == (stream + 1) / 2);
        assertThat(mesh.nodes.client.recorder.requests.getLast().status()).isEqualTo(501);
      }

      client.flood(HttpFixture.frames(5));

      Await.until("another is", () -> mesh.nodes.client.recorder.requests.size() == 3);
      assertThat(mesh.nodes.client.recorder.requests.getLast().status()).isEqualTo(200);
      assertThat(asked).hasSize(1);
    }
  }

  @Test
  void nothingIsToldOfOneOnWhichNothingMoreCanBeAsked() throws IOException {
    try (var mesh = new HttpFixture();
        Socket client = mesh.connect()) {
      say(client, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
      assertThat(HttpFixture.read(client, "")).startsWith("HTTP/1.1 200 ").endsWith("ok");

      mesh.nodes.client.publish(mesh.nodes.withRequests(List.of()));

      Await.until("it has ended", () -> mesh.nodes.client.proxy.stats().live() == 0);
      assertThat(mesh.nodes.client.recorder.refused).isEmpty();
      assertThat(mesh.nodes.client.recorder.requests).hasSize(1);
    }
  }
}
