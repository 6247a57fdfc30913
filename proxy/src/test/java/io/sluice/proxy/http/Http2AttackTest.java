package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.RawClient.Frame;
import io.sluice.proxy.relay.ChannelEnd;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every limit and every rule of a request, against an application that keeps none. */
@Timeout(60)
class Http2AttackTest {
  private static final HttpLimits LIMITS =
      new HttpLimits(8_192, 20, 1_024, 8, 100, 200, 65_535, 16_384);
  private static final int LAST = RawClient.END_HEADERS | RawClient.END_STREAM;
  private static final int REFUSED_STREAM = 7;
  private static final String TOLD = "the connection's end, told as a flood of its peer";

  private final AtomicInteger passedOn = new AtomicInteger();

  private interface Deed {
    void done(RawClient client, H2cFixture fixture) throws Exception;
  }

  private void against(Deed deed) throws Exception {
    try (var fixture = new H2cFixture(LIMITS);
        var client =
            new RawClient(
                fixture.serve(stream -> {
                  passedOn.incrementAndGet();
                  new Greeting(stream);
                }))) {
      client.settle();
      deed.done(client, fixture);
    }
  }

  private static byte[] many(int count, IntFunction<byte[]> frame) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int i = 0; i < count; i++) {
      all.writeBytes(frame.apply(i));
    }
    return all.toByteArray();
  }

  private static byte[] both(byte[] first, byte[] second) {
    return many(2, i -> i == 0 ? first : second);
  }

  /** A request, with these fields behind its pseudo-headers. */
  private static byte[] request(String... fields) {
    List<String> all =
        new ArrayList<>(
            List.of(":method", "POST", ":scheme", "http", ":authority", "a.b", ":path", "/"));
    all.addAll(List.of(fields));
    return RawClient.headers(all.toArray(String[]::new));
  }

  private static String[] tooManyFields() {
    String[] fields = new String[2 * LIMITS.maxFields() + 2];
    for (int i = 0; i < fields.length; i += 2) {
      fields[i] = "x" + i;
      fields[i + 1] = "y";
    }
    return fields;
  }

  private void isStopped(String what, byte[] flood) throws Exception {
    against((client, fixture) -> {
      client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, request());
      client.flood(flood);

      assertThat(client.next(RawClient.GOAWAY).error()).isEqualTo(RawClient.ENHANCE_YOUR_CALM);
      assertThat(client.isCutOff()).isTrue();
      Await.until("the end is told", () -> !fixture.servers.ends.isEmpty());
      assertThat(fixture.servers.ends).containsExactly(ChannelEnd.RESET_BY_US);
      assertThat(fixture.servers.floods).containsExactly(true);
    });
    Attack.tried("HTTP/2 of an application: " + what)
        .refusedBy("the proxy, GOAWAY with ENHANCE_YOUR_CALM")
        .countedAs(TOLD);
  }

  @Tag("attack")
  @Test
  void stopsFloodsOfFramesThatCostTheSenderNothing() throws Exception {
    isStopped(
        "a flood of PING", many(5_000, i -> RawClient.frame(RawClient.PING, 0, 0, new byte[8])));
    isStopped(
        "a flood of SETTINGS",
        many(5_000, i -> RawClient.frame(RawClient.SETTINGS, 0, 0, new byte[0])));
    isStopped(
        "a flood of PRIORITY",
        many(5_000, i -> RawClient.frame(RawClient.PRIORITY, 0, 2 * i + 3, new byte[5])));
    isStopped(
        "a flood of WINDOW_UPDATE",
        many(5_000, i -> RawClient.frame(RawClient.WINDOW_UPDATE, 0, 0, RawClient.number(1))));
    isStopped(
        "a flood of unknown frames", many(5_000, i -> RawClient.frame(0xbb, 0, 0, new byte[0])));
    isStopped(
        "a flood of empty DATA",
        many(5_000, i -> RawClient.frame(RawClient.DATA, 0, 1, new byte[0])));
  }

  @Tag("attack")
  @Test
  void stopsAHeaderListThatNeverEnds() throws Exception {
    isStopped(
        "a header list that never ends",
        both(
            RawClient.frame(RawClient.HEADERS, 0, 3, request()),
            many(
                5_000,
                i -> RawClient.frame(RawClient.CONTINUATION, 0, 3, RawClient.headers("a", "b")))));
  }

  @Tag("attack")
  @Test
  void stopsRapidResets() throws Exception {
    byte[] request = request();
    isStopped(
        "10,000 requests, each reset at once",
        many(
            10_000,
            i ->
                both(
                    RawClient.frame(RawClient.HEADERS, RawClient.END_HEADERS, 2 * i + 3, request),
                    RawClient.frame(RawClient.RST_STREAM, 0, 2 * i + 3, RawClient.number(8)))));
    assertThat(passedOn.get()).isLessThanOrEqualTo(LIMITS.maxResetsPerSecond() + 2);
  }

  @Tag("attack")
  @Test
  void stopsRequestsThatMakeTheProxyReset() throws Exception {
    byte[] malformed = request("connection", "close");
    isStopped(
        "requests that the proxy has to reset",
        many(1_000, i -> RawClient.frame(RawClient.HEADERS, LAST, 2 * i + 3, malformed)));
    assertThat(passedOn.get()).isOne();
  }

  /** A peer who asks and reads no answer cannot make the proxy keep them all. */
  @Tag("attack")
  @Test
  void holdsNoAnswersWithoutEndForWhoDoesNotRead() throws Exception {
    byte[] request = request("large", "~".repeat(7_000)); // comes back as it is
    try (var fixture = new H2cFixture(LIMITS);
        var client = new RawClient(fixture.serve(Passage::echo))) {
      client.settle();
      for (int i = 0; fixture.servers.ends.isEmpty() && i < 10_000; i++) {
        client.flood(RawClient.frame(RawClient.HEADERS, LAST, 2 * i + 1, request));
        if (i % 100 == 0) {
          assertThat(fixture.pinnedBytes()).isLessThan(4L << 20);
        }
      }
      assertThat(fixture.servers.ends).containsExactly(ChannelEnd.RESET_BY_US);
    }
    Attack.tried("HTTP/2 of an application: requests without end, whose answers are not read")
        .refusedBy("the proxy, which holds 256 KiB of answers at most and resets the connection")
        .countedAs("the connection's end, reset by the proxy");
  }

  @Tag("attack")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "...|Upper=1",
        "...|na me=1",
        "...|=1",
        "...|a=b\nc: d",
        "...|a=b\r",
        "...|a=\0",
        "...|a= b",
        "...|a=b\t",
        "...|connection=close",
        "...|keep-alive=1",
        "...|proxy-connection=close",
        "...|transfer-encoding=chunked",
        "...|upgrade=h2c",
        "...|te=gzip",
        "...|host=c.d",
        "...|host=a.b|host=a.b",
        "...|content-length=1|content-length=2",
        "...|content-length=-1",
        "...|content-length=1",
        "...|a=1|:path=/admin",
        "...|:path=/admin",
        "...|:status=200",
        "...|:other=1",
        "...|:protocol=websocket",
        ":method=POST|:scheme=http|:authority=user@a.b|:path=/",
        ":method=POST|:scheme=http|:authority=a.b/|:path=/",
        ":method=POST|:scheme=http|:authority=|:path=/",
        ":method=POST|:scheme=http|:path=/",
        ":method=POST|:scheme=http|:authority=a.b|:path=",
        ":method=POST|:scheme=http|:authority=a.b|:path=admin",
        ":method=POST|:scheme=http|:authority=a.b|:path=*",
        ":method=POST|:scheme=http|:authority=a.b|:path=/a b",
        ":method=POST|:scheme=http|:authority=a.b|:path=/a#b",
        ":method=POST|:scheme=http|:authority=a.b|:path=http://c.d/",
        ":method=POST|:scheme=ftp|:authority=a.b|:path=/",
        ":method=PO ST|:scheme=http|:authority=a.b|:path=/",
        ":method=|:scheme=http|:authority=a.b|:path=/",
        ":scheme=http|:authority=a.b|:path=/",
        ":method=POST|:authority=a.b|:path=/",
        ":method=POST|:scheme=http|:authority=a.b",
        ":method=CONNECT|:authority=a.b:80",
        ":method=CONNECT|:scheme=http|:authority=a.b|:path=/"
      })
  void passesNoMalformedRequestOn(String list) throws Exception {
    List<String> lines = new ArrayList<>();
    String whole = list.replace("...", ":method=POST|:scheme=http|:authority=a.b|:path=/");
    for (String line : whole.split("\\|", -1)) {
      int mark = line.indexOf('=');
      lines.add(line.substring(0, mark));
      lines.add(line.substring(mark + 1));
    }
    against((client, fixture) -> {
      client.send(RawClient.HEADERS, LAST, 1, RawClient.headers(lines.toArray(String[]::new)));
      Frame reset = client.next(RawClient.RST_STREAM);

      assertThat(reset.stream()).isEqualTo(1);
      assertThat(reset.error()).isEqualTo(RawClient.PROTOCOL_ERROR);
      assertThat(passedOn).hasValue(0);
      assertThat(fixture.servers.refused).containsExactly(0);
      client.send(RawClient.HEADERS, LAST, 3, request());
      assertThat(client.next(RawClient.DATA).stream()).isEqualTo(3); // the others go on
    });
    Attack.tried("HTTP/2 of an application: a request that could be read in two ways: " + list)
        .refusedBy("the proxy, RST_STREAM with PROTOCOL_ERROR, nothing passed on")
        .countedAs("an exchange refused as malformed");
  }

  @Tag("attack")
  @ParameterizedTest
  @ValueSource(strings = {"more", "less", "trailers", "pseudo"})
  void endsARequestWhoseContentOrTrailersAreNotWhatItSays(String what) throws Exception {
    against((client, fixture) -> {
      client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, request("content-length", "5"));
      switch (what) {
        case "more" -> client.send(RawClient.DATA, 0, 1, new byte[6]);
        case "less" -> client.send(RawClient.DATA, RawClient.END_STREAM, 1, new byte[4]);
        case "trailers" -> client.send(RawClient.HEADERS, LAST, 1, RawClient.headers("a", "b"));
        default -> {
          client.send(RawClient.DATA, 0, 1, new byte[5]);
          client.send(RawClient.HEADERS, LAST, 1, RawClient.headers(":path", "/admin"));
        }
      }

      assertThat(client.next(RawClient.RST_STREAM).error()).isEqualTo(RawClient.PROTOCOL_ERROR);
    });
    Attack.tried("HTTP/2 of an application: content or trailers that its head denies: " + what)
        .refusedBy("the proxy, RST_STREAM with PROTOCOL_ERROR")
        .countedAs("an exchange refused as malformed");
  }

  @Test
  void answersWhatIsTooLargeWithItsStatus() throws Exception {
    against((client, fixture) -> {
      client.send(RawClient.HEADERS, LAST, 1, request(tooManyFields()));
      assertThat(client.next(RawClient.HEADERS).stream()).isEqualTo(1);
      client.send(RawClient.HEADERS, RawClient.END_HEADERS, 3, request("big", "y".repeat(9_000)));
      assertThat(client.next(RawClient.HEADERS).stream()).isEqualTo(3);
      assertThat(client.next(RawClient.RST_STREAM).error()).isZero();
      client.send(
          RawClient.HEADERS,
          LAST,
          5,
          RawClient.headers(
              ":method",
              "GET",
              ":scheme",
              "http",
              ":authority",
              "a.b",
              ":path",
              "/" + "x".repeat(1_100)));
      assertThat(client.next(RawClient.HEADERS).stream()).isEqualTo(5);

      assertThat(fixture.servers.refused).containsExactly(431, 431, 414);
      assertThat(passedOn).hasValue(0);
    });
  }

  @Test
  void refusesStreamsBeyondTheLimitWhateverThePeerAcknowledged() throws Exception {
    against((client, fixture) -> {
      for (int i = 0; i <= LIMITS.maxConcurrentStreams(); i++) {
        client.send(RawClient.HEADERS, RawClient.END_HEADERS, 2 * i + 1, request());
      }
      Frame refused = client.next(RawClient.RST_STREAM);

      assertThat(refused.stream()).isEqualTo(2 * LIMITS.maxConcurrentStreams() + 1);
      assertThat(refused.error()).isEqualTo(REFUSED_STREAM);
      assertThat(passedOn).hasValue(LIMITS.maxConcurrentStreams());
    });
  }

  @Test
  void takesTheHostWhereThereIsNoAuthority() throws Exception {
    against((client, fixture) -> {
      client.send(
          RawClient.HEADERS,
          LAST,
          1,
          RawClient.headers(":method", "GET", ":scheme", "http", ":path", "/", "host", "a.b"));

      assertThat(client.next(RawClient.DATA).stream()).isEqualTo(1);
    });
  }
}
