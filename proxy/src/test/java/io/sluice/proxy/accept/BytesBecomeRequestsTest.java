package io.sluice.proxy.accept;

import static io.sluice.proxy.accept.HttpFixture.OK;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.mesh.decision.Decisions.Grant;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import io.sluice.proxy.http.Exchanges;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What becomes of connections at a port of no declared protocol that are open as bytes when policy
 * comes to grant requests alone.
 */
@Timeout(60)
class BytesBecomeRequestsTest {
  private static final long LATER = 2 * Grant.CEDING_TIME.toNanos();

  /** Which node hears of it first. */
  private enum First {
    BOTH,
    CLIENT,
    SERVER
  }

  private final Semaphore answers = new Semaphore(0);
  private volatile @Nullable Socket application; // its end of the last connection
  private HttpFixture mesh;
  private Socket client;

  @BeforeEach
  void connectAsBytes() throws IOException {
    mesh =
        new HttpFixture(
            (socket, received) -> {
              application = socket;
              HttpFixture.answerEach(
                  socket,
                  received,
                  () -> {
                    answers.acquireUninterruptibly();
                    socket.getOutputStream().write(OK.getBytes(ISO_8859_1));
                    return true;
                  });
            },
            "/books.*");
    mesh.nodes.publish(undeclared(mesh.nodes.snapshot(), 10));
    client = mesh.connect();
    client.setSoTimeout(10_000);
    answers.release();
    assertThat(ask("/books/1")).isEqualTo(OK);
    assertThat(mesh.nodes.server.recorder.requests).isEmpty();
  }

  @AfterEach
  void close() throws IOException {
    answers.release(100);
    try (var ended = mesh;
        var alsoEnded = client) {
      // The client first.
    }
  }

  private MeshSnapshot undeclared(MeshSnapshot usual, long revision) {
    return declared(AppProtocol.UNDECLARED, usual, revision);
  }

  private MeshSnapshot declared(AppProtocol protocol, MeshSnapshot usual, long revision) {
    SnapshotEditor editor = usual.edit();
    editor.put(TwoNodes.service(protocol, List.of(mesh.nodes.app.address())));
    return editor.snapshot(revision);
  }

  private MeshSnapshot requestsAlone() {
    return undeclared(mesh.nodes.withRequests(List.of(HttpFixture.match("/books.*", "GET"))), 11);
  }

  private void send(String path) throws IOException {
    client
        .getOutputStream()
        .write("GET %s HTTP/1.1\r\nHost: store\r\n\r\n".formatted(path).getBytes(ISO_8859_1));
  }

  private String ask(String path) throws IOException {
    send(path);
    return HttpFixture.read(client, "ok");
  }

  private String refused(String path) throws IOException {
    send(path);
    return HttpFixture.read(client, "\r\n\r\n");
  }

  private void awaitReceived(String text) {
    Await.until(
        "the application has received " + text,
        () -> mesh.received.stream().anyMatch(one -> one.text().contains(text)));
  }

  @ParameterizedTest
  @EnumSource(First.class)
  void theAnswerUnderWayArrivesAndWhatIsAskedNextIsDecidedByRequest(First first) throws Exception {
    send("/books/2");
    awaitReceived("/books/2");

    if (first != First.SERVER) {
      mesh.nodes.client.publish(requestsAlone());
    }
    if (first != First.CLIENT) {
      mesh.nodes.server.publish(requestsAlone());
    }
    answers.release();
    assertThat(HttpFixture.read(client, "ok")).isEqualTo(OK);

    assertThat(refused("/other")).startsWith("HTTP/1.1 403 ");
    (first == First.SERVER ? mesh.nodes.client : mesh.nodes.server).publish(requestsAlone());
    answers.release();
    assertThat(ask("/books/3")).startsWith("HTTP/1.1 200 ").endsWith("ok");

    assertThat(mesh.received).noneMatch(one -> one.text().contains("/other"));
    assertThat(mesh.received.getFirst().text()).doesNotContain("/books/3");
    TestNode decided = first == First.CLIENT ? mesh.nodes.client : mesh.nodes.server;
    AccessRecord record = decided.recorder.onlyClosed();
    assertThat(decided.recorder.requests).isNotEmpty();
    assertThat(record.closeKind())
        .isEqualTo(first == First.BOTH ? CloseKind.RESET_BY_CLIENT : CloseKind.BECAME_HTTP);
  }

  @Test
  void whoWaitsBetweenTwoRequestsIsNotEndedForIt() throws Exception {
    mesh.nodes.publish(requestsAlone());
    mesh.nodes.client.proxy.tick(System.nanoTime() + LATER);
    mesh.nodes.server.proxy.tick(System.nanoTime() + LATER);
    mesh.nodes.client.proxy.tick(System.nanoTime() + LATER);
    mesh.nodes.server.proxy.tick(System.nanoTime() + LATER);

    answers.release();
    assertThat(ask("/books/2")).startsWith("HTTP/1.1 200 ").endsWith("ok");
    assertThat(refused("/other")).startsWith("HTTP/1.1 403 ");
    assertThat(mesh.nodes.client.recorder.onlyClosed().closeKind())
        .isEqualTo(CloseKind.BECAME_HTTP);
  }

  @Test
  void policyThatGrantsBytesAgainLeavesThemAsTheyAre() throws Exception {
    send("/books/2");
    awaitReceived("/books/2");
    mesh.nodes.publish(requestsAlone());
    mesh.nodes.publish(undeclared(mesh.nodes.snapshot(), 12));
    mesh.nodes.client.proxy.tick(System.nanoTime() + LATER);
    mesh.nodes.server.proxy.tick(System.nanoTime() + LATER);

    answers.release(2);
    assertThat(HttpFixture.read(client, "ok")).isEqualTo(OK);
    assertThat(ask("/books/3")).isEqualTo(OK);
    assertThat(mesh.received).hasSize(1);
  }

  @Test
  void whatIsBeingReachedAsBytesIsReachedForRequests() throws Exception {
    CompletableFuture<Integer> socket = new CompletableFuture<>();
    FakePodSockets sockets = mesh.nodes.server.sockets;
    sockets.opened.clear();
    sockets.opener = () -> socket;
    sockets.usesOpener = true;
    try (Socket late = mesh.connect()) {
      late.setSoTimeout(10_000);
      Await.until("it is being reached", () -> !sockets.opened.isEmpty());
      mesh.nodes.publish(requestsAlone());
      sockets.usesOpener = false;
      socket.complete(sockets.open(TwoNodes.STORE, Peers.V4, Optional.empty()).join());

      answers.release();
      assertThat(HttpFixture.converse(late, "GET /other HTTP/1.1\r\nHost: store\r\n\r\n"))
          .startsWith("HTTP/1.1 403 ");
      assertThat(HttpFixture.converse(late, "GET /books HTTP/1.1\r\nHost: store\r\n\r\n"))
          .contains("HTTP/1.1 200 ");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`GET /a HTTP/1.1\r\n`|true",
        "`VERSION-CONTROL /a HTTP/1.1\r\n`|true",
        "`PRI * HTTP/2.0\r\n`|true",
        "GE|true",
        "`GET /a`|true",
        "`GET /a\r\n`|false",
        "`HELO store\r\n`|false",
        "` GET /a HTTP/1.1\r\n`|false",
        "`\r\nGET /a HTTP/1.1\r\n`|false",
        "`get /a HTTP/1.1\r\n`|false",
        "``|false"
      })
  void aRequestBeginsWithItsMethod(String said, boolean may) {
    ByteBuf octets = Unpooled.copiedBuffer(said, ISO_8859_1);
    assertThat(Exchanges.mayBeginWith(octets)).isEqualTo(may);
    assertThat(octets.readableBytes()).as("only looked at").isEqualTo(said.length());
    String longest = "A".repeat(32);
    assertThat(Exchanges.mayBeginWith(Unpooled.copiedBuffer(longest, ISO_8859_1))).isTrue();
    assertThat(Exchanges.mayBeginWith(Unpooled.copiedBuffer(longest + "A", ISO_8859_1))).isFalse();
  }

  @Test
  void whatIsDeclaredToBeNoHttpIsEndedAtOnce() throws Exception {
    mesh.nodes.client.publish(declared(AppProtocol.TCP, requestsAlone(), 12));

    assertThat(HttpFixture.read(client, "")).isEqualTo("[reset]");
    assertEndedAsRevoked();
  }

  @Tag("attack")
  @Test
  void whoNeverWaitsForAnAnswerIsEnded() throws Exception {
    send("/books/2");
    awaitReceived("/books/2");
    mesh.nodes.publish(requestsAlone());
    send("/other"); // before an answer has come

    mesh.nodes.client.proxy.tick(System.nanoTime() + LATER);

    assertThat(HttpFixture.read(client, "")).endsWith("[reset]");
    assertEndedAsRevoked();
    Attack.tried(
            "a connection is kept as bytes by never waiting for an answer, once requests alone"
                + " are granted")
        .refusedBy("Connection: it is reset when what was under way has had its time")
        .countedAs("istio_tcp_connections_closed_total{response_flags=\"UAEX\"}");
  }

  @Test
  void anAnswerThatGoesOnBeyondItsTimeIsEnded() throws Exception {
    mesh.nodes.publish(requestsAlone());
    mesh.nodes.client.proxy.tick(System.nanoTime() + LATER);
    Objects.requireNonNull(application).getOutputStream().write("more".getBytes(ISO_8859_1));
    assertThat(HttpFixture.read(client, "more")).isEqualTo("more");

    mesh.nodes.client.proxy.tick(System.nanoTime() + LATER);

    assertThat(HttpFixture.read(client, "")).isEqualTo("[reset]");
    assertEndedAsRevoked();
  }

  @Test
  void whatIsNoRequestGoesOnForAsLongAsAnAnswerMay() throws Exception {
    mesh.nodes.publish(requestsAlone());
    client.getOutputStream().write(new byte[] {0, 0, 1});
    Await.until("it came", () -> mesh.received.getFirst().text().endsWith("\0\0\1"));

    mesh.nodes.client.proxy.tick(System.nanoTime() + LATER);

    assertThat(HttpFixture.read(client, "")).isEqualTo("[reset]");
    assertEndedAsRevoked();
  }

  private void clientPublishes(MeshSnapshot next) {
    mesh.nodes.client.publish(next);
    mesh.nodes.client.proxy.tick(System.nanoTime()); // behind what the loops have to judge
  }

  @Tag("attack")
  @ParameterizedTest
  @ValueSource(strings = {"\r\nGET /other HTTP/1.1\r\n\r\n", "get /other HTTP/1.1\r\n\r\n"})
  void whoWaitsUntilTheTimeIsOverSendsNothingElseAfterIt(String late) throws Exception {
    clientPublishes(requestsAlone());
    mesh.nodes.client.proxy.tick(System.nanoTime() + LATER);
    int before = mesh.received.getFirst().text().length();

    answers.release();
    client.getOutputStream().write(late.getBytes(ISO_8859_1));

    assertThat(HttpFixture.read(client, "")).isEqualTo("[reset]");
    assertThat(mesh.received.getFirst().text()).hasSize(before);
    assertEndedAsRevoked();
    Attack.tried("a connection that stood as bytes says, an hour later, what is no request")
        .refusedBy("Connection: nothing but a request follows once the time is over")
        .countedAs("istio_tcp_connections_closed_total{response_flags=\"UAEX\"}");
  }

  @Test
  void whereBytesAreGrantedAgainTheyGoOnAtOnceOnTheSameConnection() throws Exception {
    clientPublishes(requestsAlone());
    clientPublishes(undeclared(mesh.nodes.snapshot(), 12));

    answers.release();
    assertThat(ask("/books/3")).isEqualTo(OK);
    assertThat(mesh.received).hasSize(1);
  }

  @Test
  void itIsNoFurtherConnectionForLimits() throws Exception {
    mesh.nodes.server.publish(oneAMinute(undeclared(mesh.nodes.snapshot(), 12)));
    client.close();
    client = mesh.connect();
    client.setSoTimeout(10_000);
    answers.release();
    assertThat(ask("/books/2")).isEqualTo(OK);

    mesh.nodes.server.publish(oneAMinute(requestsAlone()));
    mesh.nodes.server.proxy.tick(System.nanoTime());
    answers.release();

    assertThat(ask("/books/3")).startsWith("HTTP/1.1 200 ").endsWith("ok");
  }

  private static MeshSnapshot oneAMinute(MeshSnapshot usual) {
    SnapshotEditor editor = usual.edit();
    editor.put(
        new UpstreamSetting(
            new NamespacedName("shop", "store"),
            new NamespacedName("shop", "limits"),
            Pool.NONE,
            null,
            new Limits(new Rate(1, Duration.ofMinutes(1), 0), 0, null, List.of())));
    return editor.snapshot(usual.revision() + 10);
  }

  /** What an application asks for in the middle of a request is not what follows a request. */
  @Tag("attack")
  @Test
  void contentThatWasAskedForIsNoRequest() throws Exception {
    client
        .getOutputStream()
        .write(
            "POST /books/2 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 40\r\n\r\n"
                .getBytes(ISO_8859_1));
    awaitReceived("/books/2");
    Objects.requireNonNull(application)
        .getOutputStream()
        .write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(ISO_8859_1));
    assertThat(HttpFixture.read(client, "\r\n\r\n")).startsWith("HTTP/1.1 100 ");
    clientPublishes(requestsAlone());

    send("/books/secret");
    awaitReceived("/books/secret");
    assertThat(mesh.received).hasSize(1);
    assertThat(mesh.nodes.client.recorder.requests).isEmpty();

    mesh.nodes.client.proxy.tick(System.nanoTime() + LATER);
    assertThat(HttpFixture.read(client, "")).isEqualTo("[reset]");
    assertEndedAsRevoked();
    Attack.tried("content that a gateway passes on for others, held back, becomes its own request")
        .refusedBy("Relay: 100 Continue is no answer, so what follows begins nothing")
        .countedAs("istio_tcp_connections_closed_total{response_flags=\"UAEX\"}");
  }

  private void assertEndedAsRevoked() {
    AccessRecord record = mesh.nodes.client.recorder.onlyClosed();
    assertThat(record.closeKind()).isEqualTo(CloseKind.REVOKED);
    assertThat(record.closeReason()).isEqualTo(Reason.HTTP_ONLY);
  }
}
