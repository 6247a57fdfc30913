package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Requests of HTTP/1 that two readers could understand in two ways, over two proxies. What counts
 * is what the application has received, octet by octet: the caller may ask for {@code /books} alone
 * and tries for {@code /admin}, or to pass for somebody else.
 */
@Timeout(60)
@Tag("attack")
class SmugglingTest {
  private static final String IDENTITY =
      "x-forwarded-client-cert: By=" + TwoNodes.STORE_ID + ";URI=" + TwoNodes.BUYER_ID + "\r\n";
  private static final String END = "\r\n\r\n";
  private static final String GET = "GET /books HTTP/1.1\r\nHost: s\r\n";
  private static final String POST = "POST /books HTTP/1.1\r\nHost: s\r\n";
  private static final String HIDDEN = "GET /admin HTTP/1.1\r\nHost: s\r\n\r\n";
  private static final String CLOSE = "Connection: close\r\n";

  /** What the application gets of {@link #GET} alone, and of a request in chunks. */
  private static final String ASKED = GET + IDENTITY + "\r\n";

  private static final String CHUNKED = "Transfer-Encoding: chunked\r\n\r\n";
  private static final String POSTED = POST + IDENTITY + CHUNKED;
  private static final Pattern STATUS = Pattern.compile("HTTP/1\\.1 ([0-9]{3})");

  /**
   * One attack.
   *
   * @param answers statuses that come back, or {@code reset}
   * @param received all that the application may see; of what is refused midway a part of it
   */
  record Row(String name, String octets, String answers, String received) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static final List<Row> ROWS = new ArrayList<>();
  private static HttpFixture mesh;

  /**
   * How much each connection to the application had brought before, which clients leave to another.
   */
  private static final Map<HttpFixture.Received, Integer> BEFORE = new IdentityHashMap<>();

  private static void row(String name, String octets, String answers, String received) {
    ROWS.add(new Row(name, octets, answers, received));
  }

  private static void bad(String name, String octets) {
    row(name, octets, "400", "");
  }

  @BeforeAll
  static void start() {
    mesh = new HttpFixture();
  }

  @AfterAll
  static void stop() {
    mesh.close();
  }

  static List<Row> rows() {
    if (ROWS.isEmpty()) {
      lengths();
      codings();
      chunks();
      trailers();
      lines();
      targets();
      paths();
      connections();
      identities();
      sequences();
    }
    return ROWS;
  }

  private static void lengths() {
    for (String value :
        List.of(
            "5, 5",
            "5,",
            "+5",
            "-5",
            "-0",
            "0x5",
            "5 5",
            "",
            "5a",
            "5.0",
            "1e1",
            "\"5\"",
            "5;",
            "5\u000b",
            "\u00b2",
            "99999999999999999999",
            "18446744073709551621",
            "4294967301x")) {
      bad("a length of '" + value + "'", POST + "Content-Length: " + value + END + "hello");
    }
    bad("two equal lengths", POST + "Content-Length: 5\r\ncontent-length: 5" + END + "hello");
    bad("two lengths", POST + "Content-Length: 0\r\nContent-Length: 44" + END + HIDDEN);
    row(
        "a length with zeros and tabs before it",
        POST + CLOSE + "Content-Length: \t 0000000000005 " + END + "hello" + HIDDEN,
        "200",
        POST + IDENTITY + "Content-Length: 5" + END + "hello");
  }

  private static void codings() {
    bad("CL.TE", POST + "Content-Length: 49\r\n" + CHUNKED + "0" + END + HIDDEN);
    bad("TE.CL", POST + "Transfer-Encoding: chunked\r\nContent-Length: 3" + END + "0" + END);
    bad("CL.TE in other cases", POST + "content-LENGTH: 5\r\nTRANSFER-encoding: CHUNKED" + END);
    for (String coding :
        List.of(
            "xchunked",
            "chunked, identity",
            "identity, chunked",
            "identity",
            "chunked;q=1",
            "\u000bchunked",
            "chunked\u000b",
            "\"chunked\"",
            "",
            ",chunked",
            "chunked,",
            "gzip, chunked",
            "chunked, chunked",
            "chun\u00a0ked",
            "chunked\u0000",
            "chunk",
            "\u017fhunked".replace('\u017f', '\u00df'))) {
      bad("a coding of '" + coding + "'", POST + "Transfer-Encoding: " + coding + END + "0" + END);
    }
    bad("two codings", POST + "Transfer-Encoding: identity\r\n" + CHUNKED + "0" + END);
    bad("chunked twice", POST + "Transfer-Encoding: chunked\r\n" + CHUNKED + "0" + END);
    row("a coding that is not undone", POST + "Transfer-Encoding: gzip" + END, "501", "");
    bad("a coding behind a space", POST + "Transfer-Encoding : chunked" + END + "0" + END);
    bad("a folded coding", POST + "Transfer-Encoding:\r\n chunked" + END + "0" + END);
    bad("a coding that begins folded", POST + "X: y\r\n Transfer-Encoding: chunked" + END);
    bad("a coding behind a bare LF", POST + "X: y\nTransfer-Encoding: chunked" + END + "0" + END);
    bad("a coding behind a bare CR", POST + "X: y\rTransfer-Encoding: chunked" + END + "0" + END);
    bad("a coding in HTTP/1.0", POST.replace("1.1", "1.0") + CHUNKED + "0" + END);
    bad("a coding behind NUL", POST + "Transfer-Encoding\u0000: chunked" + END + "0" + END);
  }

  private static void chunks() {
    for (String size :
        List.of(
            "0x5",
            "+5",
            "-1",
            "5 ",
            " 5",
            "",
            "g",
            "5g",
            "5,5",
            "ffffffffffffffff",
            "5\u0000",
            "10000000000000005",
            "\u00b5",
            "5;\u0000",
            "5;a=\rb")) {
      row(
          "a chunk's size of '" + size + "'",
          chunked(size + "\r\nhello\r\n0" + END),
          "400",
          POSTED);
    }
    row("a chunk's size before a bare LF", chunked("5\nhello\r\n0" + END), "400", POSTED);
    row("an extension before a bare LF", chunked("5;a\nhello\r\n0" + END), "400", POSTED);
    row(
        "an extension that is long",
        chunked("5;" + "a".repeat(300) + "\r\nhello\r\n0" + END),
        "400",
        POSTED);
    row(
        "a chunk longer than it says",
        chunked("3\r\nhello\r\n0" + END),
        "400",
        POSTED + "3\r\nhel\r\n");
    row(
        "a chunk that ends with a bare LF",
        chunked("5\r\nhello\n0" + END),
        "400",
        POSTED + "5\r\nhello\r\n");
    row(
        "an extension that hides a request is dropped",
        POST + CLOSE + CHUNKED + "5;x=\"GET /admin HTTP/1.1\"\r\nhello\r\n0" + END + HIDDEN,
        "200",
        POSTED + "5\r\nhello\r\n0" + END);
  }

  private static String chunked(String content) {
    return POST + CHUNKED + content;
  }

  private static void trailers() {
    for (String trailer :
        List.of(
            "Content-Length: 5",
            "Transfer-Encoding: chunked",
            "Host: t",
            "Connection: close",
            "X-Forwarded-Client-Cert: URI=x",
            "x_forwarded-client_cert: URI=x",
            "authorization: x",
            "Proxy-Authorization: x",
            "cookie: x",
            " folded: x",
            "no colon",
            ": x",
            "a b: x",
            "a: \u0000")) {
      row(
          "a trailer '" + trailer + "'",
          chunked("5\r\nhello\r\n0\r\n" + trailer + END),
          "400",
          POSTED + "5\r\nhello\r\n");
    }
  }

  private static void lines() {
    bad("a space before the colon", GET + "X : y" + END);
    bad("no name", GET + ": y" + END);
    bad("no colon", GET + "X" + END);
    bad("NUL in a value", GET + "X: a\u0000b" + END);
    bad("NUL in a name", GET + "X\u0000: a" + END);
    bad("DEL in a value", GET + "X: a\u007fb" + END);
    bad("a name of other letters", GET + "X\u00e9: a" + END);
    bad("a folded field", GET + "X: a\r\n b" + END);
    bad("a field folded by a tab", GET + "X: a\r\n\tb" + END);
    bad("a bare CR in a value", GET + "X: a\rb" + END);
    bad("a request that ends by bare LF", "GET /books HTTP/1.1\nHost: s\n\n");
    bad("a head that ends by a bare LF", GET + "\n");
    row("HTTP/0.9", "GET /books" + END, "reset", "");
    row("HTTP/2.0 in text", "GET /books HTTP/2.0\r\nHost: s" + END, "505", "");
    row("HTTP/1.2", "GET /books HTTP/1.2\r\nHost: s" + END, "505", "");
    for (String version : List.of("HTTP/1.10", "HTTP/1,1", "HTTP/01.1", "HTTP/1.1 ", " HTTP/1.1")) {
      bad("a version of '" + version + "'", "GET /books " + version + "\r\nHost: s" + END);
    }
    for (String version : List.of("http/1.1", "XTTP/1.1")) {
      row("a version of '" + version + "'", "GET /books " + version + END, "reset", "");
    }
    bad("no target", "GET  HTTP/1.1\r\nHost: s" + END);
    bad("two empty lines first", "\r\n\r\n" + GET + "\r\n");
    bad("a space first", " " + GET + "\r\n");
    row("a tab behind the method", "GET\t/books HTTP/1.1\r\nHost: s" + END, "reset", "");
    row("a method that is none", "GE(T /books HTTP/1.1\r\nHost: s" + END, "reset", "");
    row("a method without an end", "A".repeat(40), "reset", "");
  }

  private static void targets() {
    String rest = " HTTP/1.1\r\nHost: s" + END;
    bad("no Host", "GET /books HTTP/1.1" + END);
    bad("two Hosts", GET + "Host: t" + END);
    bad("two equal Hosts", GET + "host: s" + END);
    for (String host : List.of("u@s", "s/x", "s, t", "s t", "s?x", "s#x", "s\\t", "\u00e9")) {
      bad("a Host of '" + host + "'", "GET /books HTTP/1.1\r\nHost: " + host + END);
    }
    bad("an URI of another host", "GET http://t/books" + rest);
    bad("an URI with a user", "GET http://u@s/books" + rest);
    bad("an URI of another scheme", "GET https://s/books" + rest);
    bad("an URI without a host", "GET http:///books" + rest);
    bad("a fragment", "GET /books#/../admin" + rest);
    bad("a relative target", "GET books" + rest);
    bad("an asterisk", "GET *" + rest);
    row("a tunnel", "CONNECT s:80" + rest, "501", "");
    bad("NUL in the target", "GET /books\u0000" + rest);
    bad("a control character in the target", "GET /books\u001f" + rest);
    bad("other letters in the target", "GET /books\u00c0\u00ae" + rest);
    row(
        "an URI that leads elsewhere than policy looks",
        "GET http://S/admin HTTP/1.1\r\nHost: s\r\n" + CLOSE + "\r\n",
        "403",
        "");
  }

  private static void paths() {
    for (String path :
        List.of(
            "/books\\..\\admin",
            "/books/..;/admin",
            "/books/..;a=b/admin",
            "/books/.;/../admin",
            "/books/..%2fadmin",
            "/books/%2e%2e%2Fadmin",
            "/books%2f../admin/%5c",
            "/books/%5c",
            "/books/%252e%252e/admin",
            "/books/%252e%252e%252fadmin",
            "/books/%25252e./admin",
            "/books/%25%32%65./admin",
            "/books/..%3b/admin",
            "/books/..%255cadmin",
            "/books/%c0%ae%c0%ae/admin",
            "/books/..%c0%afadmin",
            "/books/%e0%80%ae./admin",
            "/books/%f8%80%80%80%ae./admin",
            "/books/..%fc%80%80%80%80%afadmin",
            "/books/..%c1%9cadmin",
            "/books/..%e0%81%9cadmin",
            "/books/..%c0%bbx/admin",
            "/books/%c0%2e%c0%2e/admin",
            "/books/..%c0/admin",
            "/books/%00",
            "/books%0d%0aX:%20y",
            "/books%0a",
            "/books%7f",
            "/books/%",
            "/books/%2",
            "/books/%zz",
            "/../admin",
            "/books/../../admin",
            "/%2e%2e/books")) {
      bad("a path of " + path, "GET " + path + " HTTP/1.1\r\nHost: s\r\n" + CLOSE + "\r\n" + GET);
    }
    for (String path :
        List.of(
            "/books/../admin",
            "/books/%2e%2e/admin",
            "/books/.%2E/admin",
            "//admin",
            "/./admin",
            "/%61dmin",
            "/books//../admin",
            "/books/./../admin",
            "/books/;/../../admin",
            "/admin?/books",
            "/admin?/../books",
            "/BOOKS",
            "/")) {
      row(
          "a path of " + path,
          "GET " + path + " HTTP/1.1\r\nHost: s\r\n" + CLOSE + "\r\n",
          "403",
          "");
    }
    row(
        "a path that is told in one form",
        "GET /x/..//%62ooks/./%41%2d%2e%c3%a9//b;v=1/?a=/../%0d%0a HTTP/1.1\r\nHost: s\r\n"
            + CLOSE
            + "\r\n",
        "200",
        "GET /books/A-.%C3%A9/b;v=1/?a=/../%0d%0a HTTP/1.1\r\nHost: s\r\n" + IDENTITY + "\r\n");
  }

  private static void connections() {
    for (String name :
        List.of("host", "Content-Length", "transfer-encoding", "a b", "\"x\"", "é")) {
      bad("Connection names '" + name + "'", GET + "Connection: close, " + name + END);
    }
    row(
        "Connection names the caller's identity",
        GET + "Connection: close, x-forwarded-client-cert\r\nConnection: X-Own\r\nX-Own: a" + END,
        "200",
        ASKED);
    row(
        "an upgrade to h2c",
        GET
            + "Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            + "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"
            + END,
        "200",
        ASKED);
    row(
        "an upgrade to h2c in disguises",
        GET + "Connection: close, upgrade\r\nUpgrade: websocket\r\nUpgrade: H2C" + END,
        "200",
        ASKED);
    row(
        "an upgrade that is not asked of the connection",
        GET + CLOSE + "Upgrade: websocket" + END,
        "200",
        ASKED);
    row(
        "an upgrade with a request in its chunks",
        POST
            + "Connection: close, upgrade\r\nUpgrade: websocket\r\n"
            + CHUNKED
            + Integer.toHexString(HIDDEN.length())
            + "\r\n"
            + HIDDEN
            + "\r\n0"
            + END,
        "200",
        POSTED + Integer.toHexString(HIDDEN.length()) + "\r\n" + HIDDEN + "\r\n0" + END);
    row(
        "an upgrade with a request behind it",
        GET + "Connection: upgrade\r\nUpgrade: websocket" + END + HIDDEN + GET + CLOSE + "\r\n",
        "200 403 200",
        GET.replace("s\r\n", "s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
            + IDENTITY
            + "\r\n"
            + ASKED);
    row(
        "fields of a connection",
        GET + CLOSE + "Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: gzip, trailers" + END,
        "200",
        GET.replace("s\r\n", "s\r\nConnection: TE\r\n") + "TE: trailers\r\n" + IDENTITY + "\r\n");
    row(
        "an expectation with content at once",
        POST + CLOSE + "Expect: 100-continue\r\nContent-Length: 5" + END + "hello" + HIDDEN,
        "200",
        POST + "Expect: 100-continue\r\n" + IDENTITY + "Content-Length: 5" + END + "hello");
  }

  private static void identities() {
    for (String name :
        List.of(
            "x-forwarded-client-cert",
            "X-Forwarded-Client-Cert",
            "X-FORWARDED-CLIENT-CERT",
            "x_forwarded_client_cert",
            "X-Forwarded_Client-Cert")) {
      row(
          "an identity in " + name,
          GET
              + CLOSE
              + name
              + ": URI=spiffe://cluster.local/ns/a/sa/admin\r\n"
              + name
              + ": b"
              + END,
          "200",
          ASKED);
    }
  }

  private static void sequences() {
    row("a request behind one that is bad", GET + "X" + END + GET + CLOSE + "\r\n", "400", "");
    row(
        "one that is not granted behind one that is", GET + "\r\n" + HIDDEN + GET + CLOSE + "\r\n",
        "200 403 200", ASKED + ASKED);
    row("a request behind the last one", GET + CLOSE + "\r\n" + GET + "\r\n", "200", ASKED);
    row(
        "a request behind the last one of HTTP/1.0",
        GET.replace("1.1", "1.0") + "\r\n" + GET + "\r\n",
        "200",
        ASKED);
    bad(
        "a request behind a bad last one",
        "GET /%00 HTTP/1.1\r\nHost: s\r\n" + CLOSE + "\r\n" + GET + "\r\n");
    row(
        "a request behind a refused last one",
        "GET /admin HTTP/1.1\r\nHost: s\r\n" + CLOSE + "\r\n" + GET + "\r\n",
        "403",
        "");
    row(
        "a request in the content of a refused one",
        "POST /admin HTTP/1.1\r\nHost: s\r\nContent-Length: " + ASKED.length() + END + GET + "\r\n",
        "403",
        "");
    row(
        "a request behind the content of a refused one",
        "POST /admin HTTP/1.1\r\nHost: s\r\nContent-Length: 5" + END + "hello" + GET + "\r\n",
        "403",
        "");
    row(
        "a request behind the chunks of a refused one",
        "POST /admin HTTP/1.1\r\nHost: s\r\n" + CHUNKED + "0" + END + GET + "\r\n",
        "403",
        "");
    row(
        "a request as content of one of HTTP/1.0 without a length",
        POST.replace("1.1", "1.0") + "Connection: keep-alive" + END + HIDDEN + GET + CLOSE + "\r\n",
        "200 403 200",
        POST + IDENTITY + "\r\n" + ASKED);
    row("a method in another case", GET.replace("GET", "get") + CLOSE + "\r\n", "403", "");
    row(
        "a method by a field",
        GET + CLOSE + "X-HTTP-Method-Override: DELETE" + END,
        "200",
        GET + "X-HTTP-Method-Override: DELETE\r\n" + IDENTITY + "\r\n");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void isReadInOneWay(Row row) throws IOException {
    mesh.received.forEach(one -> BEFORE.put(one, one.text().length()));
    List<RequestRecord> told = mesh.nodes.client.recorder.requests;
    told.clear();
    mesh.nodes.client.recorder.refused.clear();

    String answer = mesh.ask(row.octets(), "");

    String statuses =
        STATUS.matcher(answer).results().map(one -> one.group(1)).collect(Collectors.joining(" "));
    assertThat(answer.endsWith("[reset]") ? (statuses + " reset").strip() : statuses)
        .as("%s", answer)
        .isEqualTo(row.answers());
    if (row.answers().equals("reset")) {
      mesh.nodes.client.recorder.onlyRefused();
      assertThat(received()).isEmpty();
    } else {
      Await.until(
          "each is told",
          java.time.Duration.ofSeconds(5),
          () ->
              told.stream()
                  .map(one -> Integer.toString(one.status()))
                  .collect(Collectors.joining(" "))
                  .equals(row.answers()));
      if (row.answers().contains("200")) {
        assertThat(received()).isEqualTo(row.received());
      } else {
        assertThat(row.received()).startsWith(received());
      }
    }
    Attack.tried("HTTP/1.1: " + printable(row.name()))
        .refusedBy("the caller's proxy, " + row.answers())
        .countedAs(
            row.answers().equals("reset")
                ? "sluice_proxy_connections_refused_total{reason=\"protocol_mismatch\"}"
                : "istio_requests_total{response_code=\"" + row.answers() + "\"}");
  }

  private static String received() {
    return mesh.received.stream()
        .map(one -> one.text().substring(BEFORE.getOrDefault(one, 0)))
        .collect(Collectors.joining());
  }

  private static String printable(String text) {
    StringBuilder out = new StringBuilder();
    for (byte octet : text.getBytes(ISO_8859_1)) {
      out.append(octet > ' ' - 1 && octet != 0x7f ? (char) octet : '.');
    }
    return out.toString();
  }
}
