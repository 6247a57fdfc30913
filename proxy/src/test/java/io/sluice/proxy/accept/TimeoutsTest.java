package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.LONG;

import io.sluice.await.Await;
import io.sluice.mesh.Faults;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.SettingsDraft;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whoever waits too long for an answer is told so, and nobody else. */
@Timeout(60)
class TimeoutsTest {
  private static final int LIMIT_MILLIS = 1_000;
  private static final TimeLimits LIMITED = new TimeLimits(LIMIT_MILLIS, TimeLimits.NOT_SAID);
  private static final Duration NEVER = Duration.ZERO;
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final String SILENT = "GET /books/silent HTTP/1.1\r\nHost: store\r\n\r\n";
  private static final String POST =
      "POST /books HTTP/1.1\r\nHost: store\r\nContent-Length: 5\r\n\r\n";
  private static final String BEGUN = "GET /books/begun HTTP/1.1\r\nHost: store\r\n\r\n";

  private final CountDownLatch released = new CountDownLatch(1);
  private final HttpFixture mesh = new HttpFixture(this::serve, "/books.*").byService();

  /** And asks once, so that no limit meets what is done for the first time. */
  @BeforeEach
  void lead() throws IOException {
    limit(TimeLimits.UNSAID, NEVER);
    assertThat(mesh.ask(POST + "five!", "ok")).startsWith("HTTP/1.1 200");
    for (Recorder recorder : List.of(mesh.nodes.client.recorder, mesh.nodes.server.recorder)) {
      Await.until("it is told of", () -> !recorder.requests.isEmpty());
      recorder.requests.clear();
    }
    mesh.received.forEach(HttpFixture.Received::clear);
  }

  @AfterEach
  void close() {
    released.countDown();
    mesh.close();
  }

  /** Answers as the path says, or not, and whatever comes after an upgrade by the same. */
  private void serve(Socket socket, HttpFixture.Received received) throws IOException {
    byte[] buffer = new byte[4_096];
    for (int n = socket.getInputStream().read(buffer);
        n > 0;
        n = socket.getInputStream().read(buffer)) {
      received.add(buffer, n);
      String text = received.text();
      if (text.contains("/begun")) {
        write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun");
        HttpFixture.awaitQuietly(released);
        write(socket, "done");
      } else if (text.contains("/held")) {
        HttpFixture.awaitQuietly(released);
        write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      } else if (text.contains("/upgrade") && text.endsWith("\r\n\r\n")) {
        write(socket, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n");
        write(socket, "Upgrade: echo\r\n\r\n");
      } else if (text.contains("/upgrade")) {
        socket.getOutputStream().write(buffer, 0, n);
      } else if (text.endsWith("!")) {
        write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      }
    }
  }

  private static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(ISO_8859_1));
  }

  private void limit(TimeLimits limits, Duration answerTimeout) {
    SnapshotEditor editor =
        mesh.nodes.withRequests(List.of(HttpFixture.match("/books.*", "GET", "POST"))).edit();
    editor.put(SettingsDraft.of(MeshSettings.CLOSED, draft -> draft.answerTimeout = answerTimeout));
    editor.put(ProxyFixture.route(ProxyFixture.toTheStore(limits, Faults.NONE, null)));
    mesh.nodes.publish(editor.snapshot(10));
  }

  /** By whichever connection: one that is kept for the next client may be there already. */
  private boolean hasArrived() {
    return mesh.received.stream().anyMatch(one -> !one.text().isEmpty());
  }

  private RequestRecord told() {
    List<RequestRecord> requests = mesh.nodes.client.recorder.requests;
    Await.until("it is told of", () -> !requests.isEmpty());
    return requests.getLast();
  }

  @ParameterizedTest
  @CsvSource({LIMIT_MILLIS + ",-1", "-1," + LIMIT_MILLIS, "0," + LIMIT_MILLIS})
  void anAnswerThatDoesNotComeInTimeIs504(long requestMillis, long tryMillis) throws IOException {
    limit(new TimeLimits(requestMillis, tryMillis), NEVER);

    long before = System.nanoTime();
    assertThat(mesh.ask(SILENT, "\r\n\r\n")).startsWith("HTTP/1.1 504 Gateway Timeout\r\n");

    assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - before))
        .isGreaterThanOrEqualTo(LIMIT_MILLIS);
    assertThat(told().status()).isEqualTo(504);
    assertThat(told().end().flag()).isEqualTo("UT");
    assertThat(told().firstByteNanos()).isEqualTo(RequestRecord.UNKNOWN);
    assertThat(told().verdict().isAllowed()).isTrue();
    Await.until(
        "the application's node hears", () -> !mesh.nodes.server.recorder.requests.isEmpty());
    assertThat(mesh.nodes.server.recorder.requests.getFirst().end())
        .isEqualTo(RequestRecord.End.RESET_BY_CLIENT);
  }

  @Test
  void anAnswerThatHasBegunIsCut() throws IOException {
    limit(LIMITED, NEVER);

    assertThat(mesh.ask(BEGUN, "")).startsWith("HTTP/1.1 200").endsWith("[reset]");

    assertThat(told().status()).isEqualTo(200);
    assertThat(told().end()).isEqualTo(RequestRecord.End.TIMED_OUT);
  }

  @Test
  void theDefaultCutsNoAnswerThatHasBegun() throws IOException {
    limit(TimeLimits.UNSAID, SECOND);
    try (Socket silent = mesh.connect();
        Socket begun = mesh.connect()) {
      write(begun, BEGUN);
      assertThat(HttpFixture.read(begun, "begun")).startsWith("HTTP/1.1 200");
      long before = System.nanoTime();
      write(silent, SILENT);
      assertThat(HttpFixture.read(silent, "\r\n\r\n")).startsWith("HTTP/1.1 504");
      assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(SECOND.toNanos());
      assertThat(told().end()).isEqualTo(RequestRecord.End.TIMED_OUT);
      released.countDown();
      assertThat(HttpFixture.read(begun, "done")).isEqualTo("done");
    }
  }

  @Test
  void whatTheUpstreamTakesToAnswerIsTold() throws IOException {
    try (Socket held = mesh.connect()) {
      write(held, SILENT.replace("silent", "held"));
      Await.until("it has arrived", this::hasArrived);
      long before = System.nanoTime();
      assertThat(mesh.ask(POST + "five!", "ok")).startsWith("HTTP/1.1 200");
      long took = System.nanoTime() - before;

      released.countDown();

      assertThat(HttpFixture.read(held, "ok")).startsWith("HTTP/1.1 200");
      List<RequestRecord> requests = mesh.nodes.client.recorder.requests;
      Await.until("it is told of", () -> requests.stream().anyMatch(one -> isHeld(one)));
      RequestRecord told = requests.stream().filter(one -> isHeld(one)).findFirst().orElseThrow();
      assertThat(told.upstreamNanos()).isGreaterThanOrEqualTo(took);
      assertThat(told.firstByteNanos()).isBetween(told.upstreamNanos(), told.duration().toNanos());
    }
  }

  private static boolean isHeld(RequestRecord request) {
    return request.path().endsWith("/held");
  }

  /** As of its route, so that it may wait longer than the default too. */
  @Test
  void aRouteGoesBeforeTheDefault() throws IOException {
    limit(new TimeLimits(0, TimeLimits.NOT_SAID), SECOND);
    try (Socket patient = mesh.connect()) {
      write(patient, SILENT);
      Await.until("it has arrived", this::hasArrived);
      limit(TimeLimits.UNSAID, SECOND);
      assertThat(mesh.ask(SILENT, "\r\n\r\n")).startsWith("HTTP/1.1 504");
      assertThat(told().status()).isEqualTo(504);
      assertThat(patient.getInputStream().available()).isZero();
      assertThat(mesh.nodes.client.recorder.requests).hasSize(1);
    }
  }

  @Test
  void whoTakesTimeToAskIsNotLimited() throws Exception {
    limit(LIMITED, NEVER);
    try (Socket slow = mesh.connect();
        Socket clock = mesh.connect()) {
      write(slow, POST + "five");
      Await.until("it has arrived", this::hasArrived);
      write(clock, SILENT);
      assertThat(HttpFixture.read(clock, "\r\n\r\n")).startsWith("HTTP/1.1 504");
      write(slow, "!");
      assertThat(HttpFixture.read(slow, "ok")).startsWith("HTTP/1.1 200");
      Await.until("both are told of", () -> mesh.nodes.client.recorder.requests.size() == 2);
      assertThat(mesh.nodes.client.recorder.requests) // in no certain order
          .filteredOn(one -> one.status() == 200)
          .singleElement()
          .extracting(one -> one.firstByteNanos() - one.upstreamNanos(), LONG)
          .as("what the client took is not the upstream's")
          .isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(LIMIT_MILLIS));
    }
  }

  @Test
  void bytesFlowWithoutLimitOnceAnUpgradeIsTaken() throws IOException {
    limit(LIMITED, NEVER);
    String upgrade = "Host: store\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    try (Socket talking = mesh.connect()) {
      write(talking, "GET /books/upgrade HTTP/1.1\r\n" + upgrade);
      assertThat(HttpFixture.read(talking, "\r\n\r\n")).startsWith("HTTP/1.1 101");
      assertThat(mesh.ask("GET /books/silent HTTP/1.1\r\n" + upgrade, "\r\n\r\n"))
          .as("nobody takes it")
          .startsWith("HTTP/1.1 504");
      write(talking, "still here");
      assertThat(HttpFixture.read(talking, "here")).isEqualTo("still here");
    }
  }

  @Test
  void aCallOfGrpcHearsItInItsOwnWords() throws IOException {
    limit(LIMITED, NEVER);
    assertThat(
            mesh.ask(SILENT.replace("Host", "Content-Type: application/grpc\r\nHost"), "\r\n\r\n"))
        .startsWith("HTTP/1.1 200")
        .contains("grpc-status: 14");
    assertThat(told().end()).isEqualTo(RequestRecord.End.TIMED_OUT);
  }
}
