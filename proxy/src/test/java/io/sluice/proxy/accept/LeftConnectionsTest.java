package io.sluice.proxy.accept;

import static io.sluice.proxy.accept.LeftSite.END;
import static io.sluice.proxy.accept.LeftSite.GET;
import static io.sluice.proxy.accept.LeftSite.LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.Peers;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.accept.LeftSite.Way;
import io.sluice.proxy.http2.ReceiveWindows;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A connection to an application that a client leaves in peace serves the pod's next client, which
 * sees no difference: ADR 48.
 */
@Timeout(60)
class LeftConnectionsTest {
  private static final int MUCH = 900_000; // bytes
  private static final String HEAD = GET.replace("GET", "HEAD");
  private static final String OK = "HTTP/1.1 200 OK\r\n";

  /** Which may not be sent twice, or have content of which nothing would be left. */
  private static final List<String> UNREPEATABLE =
      List.of(
          "POST /books HTTP/1.1\r\nHost: store\r\nContent-Length: 0\r\n\r\n",
          "PATCH /books HTTP/1.1\r\nHost: store\r\nContent-Length: 0\r\n\r\n",
          "PUT /books HTTP/1.1\r\nHost: store\r\nContent-Length: 2\r\n\r\nab",
          "GET /books HTTP/1.1\r\nHost: store\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          "GET /books HTTP/1.1\r\nHost: store\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");

  @ParameterizedTest
  @EnumSource
  void theNextClientGoesByWhatTheOneBeforeHasLeft(Way way) throws Exception {
    try (var site = new LeftSite(way)) {
      for (int i = 1; i <= 3; i++) {
        assertThat(site.ask()).startsWith(OK);
        assertThat(site.left()).as("left").isEqualTo(1);
      }

      assertThat(site.carried()).as("by one connection").containsExactly(3);
      assertThat(site.node.recorder.requests.stream().filter(LeftConnectionsTest::isOfBuyer))
          .as("each is told as its own client's")
          .hasSize(3)
          .allMatch(one -> one.status() == 200 && one.end() == RequestRecord.End.WHOLE)
          .allMatch(one -> one.info().mutualTls() == (way == Way.BETWEEN_NODES))
          .extracting(one -> one.info().id())
          .doesNotHaveDuplicates();
      assertThat(site.node.proxy.endpointLoads()).as("what waits is no load").isEmpty();
    }
  }

  private static boolean isOfBuyer(RequestRecord record) {
    return record.info().direction() == Direction.OUTBOUND;
  }

  @ParameterizedTest
  @EnumSource
  void aClientThatAsksTwiceAtOnceIsAnsweredInOrder(Way way) throws Exception {
    try (var site = new LeftSite(way)) {
      site.ask();

      assertThat(
              site.ask(GET + GET.replace("/books", "/more"), END + OK + "Content-Length: 2" + END))
          .startsWith(OK);

      assertThat(site.carried()).containsExactly(3);
      assertThat(site.received.getFirst().text().indexOf("/books HTTP", GET.length()))
          .isLessThan(site.received.getFirst().text().indexOf("/more HTTP"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void itEndsInPeaceOnceItHasWaited(Way way) throws Exception {
    CompletableFuture<Integer> end = new CompletableFuture<>();
    try (var site =
        new LeftSite(
            way,
            Duration.ofMillis(50),
            (socket, received) -> {
              try {
                HttpFixture.answerEach(socket, received);
                end.complete(-1);
              } catch (IOException e) {
                end.complete(0); // it was cut
              }
            })) {
      site.ask();

      assertThat(end.get(20, TimeUnit.SECONDS)).isEqualTo(-1);
      Await.until("none waits", () -> site.left() == 0);
      Await.until("nothing is left", () -> site.node.proxy.stats().live() == 0);
    }
  }

  /** What is read in the end; 0 where it is cut. */
  private static int endOf(InputStream in) {
    try {
      for (int octet = in.read(); octet >= 0; octet = in.read()) {
        // The rest of what was asked.
      }
      return -1;
    } catch (IOException e) {
      return 0;
    }
  }

  static Stream<Arguments> unrepeatable() {
    return Stream.of(Way.values())
        .flatMap(way -> UNREPEATABLE.stream().map(request -> Arguments.of(way, request)));
  }

  @ParameterizedTest
  @MethodSource("unrepeatable")
  void whatMayNotBeSentTwiceGoesByAConnectionOfItsOwn(Way way, String request) throws Exception {
    try (var site = new LeftSite(way)) {
      site.ask();
      assertThat(site.left()).isEqualTo(1);

      assertThat(site.ask(request)).startsWith(OK);

      assertThat(site.carried()).startsWith(1, 1);
    }
  }

  /** After which the connection is nobody's, or is even gone. */
  private record Exchange(String asked, String answer, boolean gone) {
    Exchange(String asked, String answer) {
      this(asked, answer, false);
    }
  }

  private static final List<Exchange> LAST =
      List.of(
          new Exchange(HEAD, OK + "Content-Length: 2\r\nX: \r\n\r\n"),
          new Exchange(GET, "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"),
          new Exchange(GET, "HTTP/1.1 204 No Content\r\nX: \r\n\r\n"),
          new Exchange(
              "PUT /books HTTP/1.1\r\nHost: store\r\nContent-Length: 2\r\n\r\nhi",
              OK + "Content-Length: 2" + END),
          new Exchange(GET, "HTTP/1.1 401 No\r\nwww-authenticate: ntlm\r\nContent-Length: 2" + END),
          new Exchange(
              GET,
              "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Negotiate\r\n"
                  + "Content-Length: 2"
                  + END),
          new Exchange(
              GET.replace("\r\n\r\n", "\r\nAuthorization: Negotiate YII=\r\n\r\n"),
              OK + "Content-Length: 2" + END),
          new Exchange(
              GET.replace(
                  "\r\n\r\n", "\r\nAuthorization: Basic YTpi\r\nAuthorization: NTLM TlRM\r\n\r\n"),
              OK + "Content-Length: 2" + END),
          new Exchange(GET, OK + "Connection: close\r\nContent-Length: 2" + END, true),
          new Exchange(GET, "HTTP/1.0 200 OK\r\nContent-Length: 2" + END, true),
          new Exchange(GET, OK + "Content-Length: 2" + END + "\r\n", true),
          new Exchange(GET, OK + "Content-Length: 2" + END + OK, true),
          new Exchange(
              GET.replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"),
              "HTTP/1.1 101 So\r\nConnection: Upgrade\r\nUpgrade: chat" + END));

  static Stream<Arguments> last() {
    return Stream.of(Way.values())
        .flatMap(way -> LAST.stream().map(exchange -> Arguments.of(way, exchange)));
  }

  @ParameterizedTest
  @MethodSource("last")
  void whatIsBoundToItsClientOrHasEndedIsNotLeft(Way way, Exchange exchange) throws Exception {
    try (var site =
        new LeftSite(
            way,
            LONG,
            (socket, received) -> HttpFixture.answerEach(socket, received, exchange.answer))) {
      String enough = exchange.answer.contains(END) ? "ok" : "\r\n\r\n";
      assertThat(site.ask(exchange.asked, enough)).startsWith("HTTP/1.1 ");

      if (!exchange.gone || way != Way.BETWEEN_NODES) { // a stream is left without it
        assertThat(site.left()).isZero();
      }
      site.ask(exchange.asked, enough);
      assertThat(site.carried()).containsExactly(1, 1);
    }
  }

  /** The content of its answer may come later than that of the next one. */
  @ParameterizedTest
  @EnumSource
  void norIsOneThatWasAskedByHeadBefore(Way way) throws Exception {
    String answer = OK + "Content-Length: 0\r\n\r\n";
    try (var site =
        new LeftSite(
            way, LONG, (socket, received) -> HttpFixture.answerEach(socket, received, answer))) {
      try (Socket client = Peers.connect(site.entry)) {
        for (String request : List.of(HEAD, GET)) {
          LeftSite.say(client, request);
          assertThat(HttpFixture.read(client, "\r\n\r\n")).startsWith(OK);
        }
      }
      site.awaitEnd();

      assertThat(site.left()).isZero();
    }
  }

  /** Its memory would be missed by those that carry much next. */
  @ParameterizedTest
  @EnumSource
  void onlyAStreamThatHasGrownIsNotLeft(Way way) throws Exception {
    String end = "whole";
    String answer =
        OK + "Content-Length: " + (MUCH + end.length()) + "\r\n\r\n" + "a".repeat(MUCH) + end;
    try (var site =
        new LeftSite(
            way, LONG, (socket, received) -> HttpFixture.answerEach(socket, received, answer))) {
      assertThat(site.ask(GET, end)).startsWith(OK);

      assertThat(site.left()).isEqualTo(way == Way.BETWEEN_NODES ? 0 : 1);
    }
  }

  /** So that streams which carry much find their memory beside many that do not. */
  @ParameterizedTest
  @EnumSource
  void noMemoryIsSetAsideForWhatIsAskedLittleByLittle(Way way) throws Exception {
    String request = GET.replace("\r\n\r\n", "\r\nCookie: " + "a".repeat(1_000) + "\r\n\r\n");
    int requests = 4 * ReceiveWindows.FIRST_OF_STREAM / request.length();
    try (var site = new LeftSite(way)) {
      try (Socket client = Peers.connect(site.entry)) {
        for (int i = 0; i < requests; i++) {
          LeftSite.say(client, request);
          assertThat(HttpFixture.read(client, END)).startsWith(OK);
        }
      }
      site.awaitEnd();

      assertThat(site.left()).isEqualTo(1);
      assertThat(site.carried()).containsExactly(requests);
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatAClientCutsIsNotLeft(Way way) throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    try (var site =
        new LeftSite(
            way,
            LONG,
            (socket, received) ->
                HttpFixture.answerEach(
                    socket,
                    received,
                    () -> {
                      asked.countDown();
                      HttpFixture.awaitQuietly(released);
                      HttpFixture.answerOnce(socket);
                      return true;
                    }))) {
      try (Socket client = Peers.connect(site.entry)) {
        LeftSite.say(client, GET);
        assertThat(asked.await(20, TimeUnit.SECONDS)).isTrue();
        Peers.reset(client);
      }
      site.awaitEnd();
      assertThat(site.left()).isZero();
      released.countDown();

      Socket waiting = Peers.connect(site.entry);
      LeftSite.say(waiting, GET);
      assertThat(HttpFixture.read(waiting, END)).startsWith(OK);
      Peers.reset(waiting);
      site.awaitEnd();
      assertThat(site.left()).as("where no answer was waited for either").isZero();
    }
  }

  /** It reads the second request, and ends instead of an answer. */
  @ParameterizedTest
  @EnumSource
  void aClientDoesNotSeeThatItTurnsOutToBeClosed(Way way) throws Exception {
    try (var site =
        new LeftSite(
            way,
            LONG,
            (socket, received) ->
                HttpFixture.answerEach(
                    socket,
                    received,
                    () -> {
                      boolean first = received.text().split(" HTTP/1.1\r\n", -1).length == 2;
                      if (first) {
                        HttpFixture.answerOnce(socket);
                      }
                      return first;
                    }))) {
      for (int i = 0; i < 3; i++) {
        assertThat(site.ask()).startsWith(OK);
      }

      assertThat(site.carried()).containsExactly(2, 2, 1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void octetsThatNobodyAskedForEndItBeforeTheNextClientComes(Way way) throws Exception {
    CountDownLatch left = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    try (var site =
        new LeftSite(
            way,
            LONG,
            (socket, received) -> {
              if (left.getCount() == 0) {
                HttpFixture.answerEach(socket, received);
                return;
              }
              HttpFixture.answerEach(
                  socket,
                  received,
                  () -> {
                    HttpFixture.answerOnce(socket);
                    HttpFixture.awaitQuietly(left);
                    LeftSite.say(socket, "H"); // as the answer to a request would begin
                    return endOf(socket.getInputStream()) > 0;
                  });
              ended.countDown();
            })) {
      site.ask();
      assertThat(site.left()).isEqualTo(1);
      left.countDown();
      assertThat(ended.await(20, TimeUnit.SECONDS)).isTrue();

      assertThat(site.ask()).startsWith(OK);

      assertThat(site.carried()).containsExactly(1, 1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void ofAPodSixteenWaitAtMostAndTheOldestEndFirst(Way way) throws Exception {
    try (var site = new LeftSite(way)) {
      List<Socket> clients = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        Socket client = Peers.connect(site.entry);
        clients.add(client);
        LeftSite.say(client, GET);
        assertThat(HttpFixture.read(client, END)).startsWith(OK);
      }
      for (Socket client : clients) {
        client.close();
      }
      site.awaitEnd();

      assertThat(site.left()).isEqualTo(16);
      assertThat(site.received).hasSize(20);
      for (Socket ignored : clients) {
        site.ask();
      }
      assertThat(site.received).as("they are used").hasSize(20);
      assertThat(IntStream.range(0, 20).map(site.carried()::get).sum()).isEqualTo(40);
    }
  }
}
