package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.net.Socket;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Responses of HTTP/1 that two readers could understand in two ways. */
@Timeout(60)
@Tag("attack")
class HostileApplicationTest {
  private static final String OK = "HTTP/1.1 200 OK\r\n";
  private static final String END = "\r\n\r\n";
  private static final String EVIL = OK + "Content-Length: 4" + END + "evil";

  /**
   * One attack.
   *
   * @param answer of the application to the first request
   * @param got all that the client gets for it; cut by a reset where it ends in an ellipsis
   */
  record Row(String name, String asked, String answer, String got) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static final AtomicReference<String> ANSWER = new AtomicReference<>("");
  private static HttpFixture mesh;

  @BeforeAll
  static void start() {
    mesh =
        new HttpFixture(
            (socket, received) -> {
              byte[] buffer = new byte[65_536];
              while (socket.getInputStream().read(buffer) > 0) {
                socket
                    .getOutputStream()
                    .write(Objects.requireNonNull(ANSWER.get()).getBytes(ISO_8859_1));
              }
            },
            ".*");
    mesh.nodes.publish(mesh.nodes.withRequests(List.of(HttpFixture.match(".*"))));
  }

  @AfterAll
  static void stop() {
    mesh.close();
  }

  private static final String BAD =
      "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0" + END;

  private static Row bad(String name, String answer) {
    return new Row(name, "GET", answer, BAD);
  }

  static List<Row> rows() {
    return List.of(
        bad(
            "length and chunks",
            OK + "Content-Length: 3\r\nTransfer-Encoding: chunked" + END + "0" + END),
        bad("two lengths", OK + "Content-Length: 0\r\nContent-Length: 5" + END + "hello"),
        bad("a list of lengths", OK + "Content-Length: 5, 5" + END + "hello"),
        bad("a length with a sign", OK + "Content-Length: +5" + END + "hello"),
        bad("chunks and something else", OK + "Transfer-Encoding: chunked, x" + END + "0" + END),
        bad(
            "chunks of HTTP/1.0",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked" + END + "0" + END),
        bad("a bare LF in a head", OK + "X: y\nContent-Length: 0" + END),
        bad("a bare CR in a head", OK + "X: y\rContent-Length: 0" + END),
        bad("a folded field", OK + "X: y\r\n z" + END),
        bad("NUL in a field", OK + "X: \u0000" + END),
        bad("NUL in the reason", "HTTP/1.1 200 O\u0000K\r\nContent-Length: 0" + END),
        bad("no status", "HTTP/1.1 OK" + END),
        bad("a status of two digits", "HTTP/1.1 20 OK" + END),
        bad("a status beyond all", "HTTP/1.1 999 OK" + END),
        bad("another version", "HTTP/2.0 200 OK" + END),
        bad("no version", "200 OK" + END),
        bad("an empty line first", "\r\n" + EVIL),
        bad(
            "another protocol, unasked",
            "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x" + END),
        bad(
            "Connection names the length",
            OK + "Connection: content-length\r\nContent-Length: 0" + END),
        bad("content of what has none", "HTTP/1.1 204 No\r\nContent-Length: 4" + END + "evil"),
        bad(
            "chunks of what has none",
            "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked" + END + "0" + END),
        bad(
            "a length of an interim one",
            "HTTP/1.1 103 Hints\r\nContent-Length: 4" + END + "evil" + EVIL),
        bad("a head that is too large", OK + "X: " + "x".repeat(70_000) + END),
        bad("fields that are too many", OK + "X: y\r\n".repeat(101) + "\r\n"),
        bad(
            "options that are too many",
            OK + "Content-Length: 0\r\nConnection: " + "a,".repeat(32) + "close" + END),
        new Row(
            "interim responses without end",
            "GET",
            "HTTP/1.1 103 Hints\r\n\r\n".repeat(10_000),
            "HTTP/1.1 103 Hints\r\n\r\n".repeat(32) + BAD),
        new Row(
            "a response behind the response",
            "GET",
            OK + "Content-Length: 2" + END + "ok" + EVIL,
            OK + "Content-Length: 2" + END + "ok"),
        new Row(
            "content of an answer to HEAD",
            "HEAD",
            OK + "Content-Length: 4" + END + "evil",
            OK + "Content-Length: 4" + END),
        new Row(
            "a response behind what has no content",
            "GET",
            "HTTP/1.1 204 No" + END + EVIL,
            "HTTP/1.1 204 No" + END),
        new Row(
            "a response behind what was not changed",
            "GET",
            "HTTP/1.1 304 No" + END + EVIL,
            "HTTP/1.1 304 No" + END),
        new Row(
            "a chunk that is none",
            "GET",
            OK + "Transfer-Encoding: chunked" + END + "2\r\nok\r\n-1\r\n" + EVIL,
            OK + "Transfer-Encoding: chunked" + END + "2\r\nok\r\n..."),
        new Row(
            "a trailer that is a length",
            "GET",
            OK + "Transfer-Encoding: chunked" + END + "2\r\nok\r\n0\r\nContent-Length: 0" + END,
            OK + "Transfer-Encoding: chunked" + END + "2\r\nok\r\n..."));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void isPassedOnInOneMeaningOrNotAtAll(Row row) throws IOException {
    ANSWER.set(row.answer());
    List<RequestRecord> told = mesh.nodes.client.recorder.requests;
    told.clear();
    String got;
    try (Socket socket = mesh.connect()) {
      socket.setSoTimeout(10_000);
      socket
          .getOutputStream()
          .write(
              (row.asked() + " / HTTP/1.1\r\nHost: s\r\nConnection: close" + END)
                  .getBytes(ISO_8859_1));
      got = HttpFixture.read(socket, "");
    }

    String whole = got.replace("Connection: close\r\n", "").replace("[reset]", "");
    if (row.got().endsWith("...")) {
      // Nothing of it may have been on its way before the fault was seen.
      if (!whole.startsWith("HTTP/1.1 503 ")) {
        assertThat(row.got().replace("...", "")).startsWith(whole);
        assertThat(got).endsWith("[reset]");
      }
    } else {
      assertThat(whole).isEqualTo(row.got().replace("Connection: close\r\n", ""));
    }
    Await.until("it is told", () -> told.size() == 1);
    Attack.tried("HTTP/1.1, response of a hostile application: " + row.name())
        .refusedBy(
            "the application's proxy, "
                + (row.got().contains(" 502 ")
                    ? "502"
                    : "what is no part of the answer is dropped"))
        .countedAs(
            "istio_requests_total{response_code=\""
                + told.getFirst().status()
                + "\",response_flags=\""
                + told.getFirst().end().flag()
                + "\"}");
  }
}
