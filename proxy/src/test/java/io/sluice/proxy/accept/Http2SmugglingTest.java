package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.RawClient.Frame;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Requests of HTTP/2 that two readers could understand in two ways, or a reader of HTTP/1. */
@Timeout(60)
@Tag("attack")
class Http2SmugglingTest {
  private static final List<String> USUAL =
      List.of(":method", "GET", ":scheme", "http", ":authority", "s", ":path", "/books");

  /**
   * One attack.
   *
   * @param fields names and values in turn
   */
  record Row(String name, String... fields) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static HttpFixture mesh;

  @BeforeAll
  static void start() {
    mesh = new HttpFixture();
  }

  @AfterAll
  static void stop() {
    mesh.close();
  }

  /** The usual request with more fields. */
  private static Row with(String name, String... more) {
    List<String> fields = new ArrayList<>(USUAL);
    fields.addAll(List.of(more));
    return new Row(name, fields.toArray(String[]::new));
  }

  /** The usual request with another value of one pseudo-header. */
  private static Row but(String name, String pseudo, String value) {
    List<String> fields = new ArrayList<>(USUAL);
    fields.set(fields.indexOf(pseudo) + 1, value);
    return new Row(name, fields.toArray(String[]::new));
  }

  static List<Row> rows() {
    return List.of(
        with("two methods", ":method", "POST"),
        with("two paths", ":path", "/admin"),
        with("two authorities", ":authority", "t"),
        with("a pseudo-header behind a field", "x", "y", ":path", "/admin"),
        with("an unknown pseudo-header", ":x", "y"),
        with("a pseudo-header of responses", ":status", "200"),
        with("a protocol without a tunnel", ":protocol", "websocket"),
        with("a field in capitals", "X", "y"),
        with("a name with a colon", "x:", "y"),
        with("a name with a space", "x y", "z"),
        with("a name with CR LF", "x\r\ny", "z"),
        with("an empty name", "", "y"),
        with("CR LF in a value", "x", "y\r\nHost: t"),
        with("LF in a value", "x", "y\nz"),
        with("CR behind a value", "x", "y\r"),
        with("NUL in a value", "x", "y\u0000"),
        with("white space before a value", "x", " y"),
        with("a tab behind a value", "x", "y\t"),
        with("chunks", "transfer-encoding", "chunked"),
        with("connection", "connection", "close"),
        with("keep-alive", "keep-alive", "x"),
        with("upgrade", "upgrade", "h2c"),
        with("proxy-connection", "proxy-connection", "x"),
        with("te but trailers", "te", "gzip"),
        with("another host", "host", "t"),
        with("two hosts", "host", "s", "host", "s"),
        with("two equal lengths", "content-length", "0", "content-length", "0"),
        with("two lengths", "content-length", "1", "content-length", "2"),
        with("a length that is a list", "content-length", "0, 0"),
        with("a length with a sign", "content-length", "+0"),
        with("a negative length", "content-length", "-1"),
        with("a length of content that does not come", "content-length", "5"),
        but("CR LF in the path", ":path", "/books HTTP/1.1\r\nHost: s\r\n\r\nGET /admin"),
        but("a space in the path", ":path", "/books HTTP/1.1"),
        but("a fragment", ":path", "/books#x"),
        but("a relative path", ":path", "books"),
        but("an empty path", ":path", ""),
        but("an URI as path", ":path", "http://s/books"),
        but("an asterisk", ":path", "*"),
        but("a space in the method", ":method", "GET /admin"),
        but("CR LF in the method", ":method", "GET\r\n"),
        but("an empty method", ":method", ""),
        but("a tunnel", ":method", "CONNECT"),
        but("another scheme", ":scheme", "file"),
        but("CR LF in the scheme", ":scheme", "http\r\n"),
        but("a user in the authority", ":authority", "u@s"),
        but("a path in the authority", ":authority", "s/admin"),
        but("a list of authorities", ":authority", "s,t"),
        but("an empty authority", ":authority", ""),
        new Row("no authority", ":method", "GET", ":scheme", "http", ":path", "/"),
        new Row("no scheme", ":method", "GET", ":authority", "s", ":path", "/"),
        new Row("a tunnel to an authority alone", ":method", "CONNECT", ":authority", "s:80"),
        new Row("no path", ":method", "GET", ":scheme", "http", ":authority", "s"),
        new Row("no method", ":scheme", "http", ":authority", "s", ":path", "/"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void isResetAndNeverPassedOn(Row row) throws IOException {
    mesh.nodes.client.recorder.requests.clear();
    try (RawClient client = new RawClient(mesh.nodes.entry)) {
      client.settle();
      client.send(
          RawClient.HEADERS,
          RawClient.END_HEADERS | RawClient.END_STREAM,
          1,
          RawClient.headers(row.fields()));
      Frame frame = client.next(RawClient.RST_STREAM);

      assertThat(frame.stream()).isEqualTo(1);
      assertThat(frame.error()).isEqualTo(RawClient.PROTOCOL_ERROR);
      Await.until("it is told", () -> mesh.nodes.client.recorder.requests.size() == 1);
      assertThat(mesh.received).isEmpty();
    }
    Attack.tried("HTTP/2: " + row.name())
        .refusedBy("the caller's proxy, RST_STREAM")
        .countedAs("istio_requests_total{response_code=\"0\",response_flags=\"DPE\"}");
  }
}
