package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.proxy.http2.Flood;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.RawClient.Frame;
import io.sluice.proxy.relay.ChannelEnd;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
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

  static List<Flood> floods() {
    List<Flood> floods = new ArrayList<>(Flood.of(request()));
    byte[] malformed = request("connection", "close");
    floods.add(
        new Flood(
            "malformed requests",
            Flood.many(
                1_000, i -> RawClient.frame(RawClient.HEADERS, LAST, 2 * i + 3, malformed))));
    return floods;
  }

  @Tag("attack")
  @ParameterizedTest(name = "{0}")
  @MethodSource("floods")
  void stopsFloods(Flood flood) throws Exception {
    against((client, fixture) -> {
      client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, request());
      client.flood(flood.frames());

      assertThat(client.next(RawClient.GOAWAY).error()).isEqualTo(RawClient.ENHANCE_YOUR_CALM);
      assertThat(client.isCutOff()).isTrue();
      Await.until("the end is told", () -> !fixture.servers.ends.isEmpty());
      assertThat(fixture.servers.ends).containsExactly(ChannelEnd.RESET_BY_US);
      assertThat(fixture.servers.floods).containsExactly(true);
      assertThat(passedOn.get())
          .isLessThan(3 * LIMITS.maxResetsPerSecond()); // a slow second may be two
    });
    Attack.tried("HTTP/2 of an application: " + flood.name())
        .refusedBy("the proxy, GOAWAY with ENHANCE_YOUR_CALM")
        .countedAs(TOLD);
  }

  /** Streams of who never acknowledges SETTINGS have windows that nobody promised. */
  @Tag("attack")
  @Test
  void whoAcknowledgesNoSettingsGivesBackNoMoreThanWasPromised() throws Exception {
    var limits = new HttpLimits(8_192, 20, 1_024, 8, 100, 200, 4 * 65_535, 16_384);
    try (var fixture = new H2cFixture(limits)) {
      try (var client = new RawClient(fixture.serve(Passage::echo))) {
        client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, request());
        for (int i = 0; i < 5; i++) {
          client.send(RawClient.DATA, 0, 1, new byte[13_107]);
        }
        for (int came = 0; came < 5 * 13_107; ) {
          came += client.next(RawClient.DATA).payload().length;
        }
        client.next(RawClient.WINDOW_UPDATE);
      }
      Await.until("it is gone", () -> !fixture.servers.ends.isEmpty());
      assertThat(fixture.budget.promised()).isZero();
    }
    Attack.tried("uploads without an acknowledgement of SETTINGS, which begin with larger windows")
        .refusedBy("BufferBudget: what is given back is what was promised")
        .countedAs("sluice_proxy_buffered_bytes");
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
  @Test
  void aMalformedRequestEndsAloneAndIsNotPassedOn() throws Exception {
    against((client, fixture) -> {
      client.send(RawClient.HEADERS, LAST, 1, request("connection", "close"));
      Frame reset = client.next(RawClient.RST_STREAM);

      assertThat(reset.stream()).isEqualTo(1);
      assertThat(reset.error()).isEqualTo(RawClient.PROTOCOL_ERROR);
      assertThat(passedOn).hasValue(0);
      assertThat(fixture.servers.refused).containsExactly(0);
      client.send(RawClient.HEADERS, LAST, 3, request());
      assertThat(client.next(RawClient.DATA).stream()).isEqualTo(3); // the others go on
    });
    Attack.tried("HTTP/2 of an application: a malformed request among others")
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
      assertThat(fixture.servers.refused).as("a second record beside its exchange's").isEmpty();
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
