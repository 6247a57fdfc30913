package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.await.Await;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.RawClient.Frame;
import io.sluice.proxy.http2.ReceiveWindows;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.Pipe;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Both sides against each other: what is sent on one stream is heard on the other. */
@Timeout(60)
class Http2PairTest {
  private static final HttpLimits LIMITS =
      new HttpLimits(8_192, 20, 1_024, 4, 100, 200, 65_535, 16_384);
  private static final int MEBIBYTE = 1 << 20;

  private final H2cFixture fixture = new H2cFixture(LIMITS);
  private final BlockingQueue<Heard> arrived = new LinkedBlockingQueue<>();
  private final InetSocketAddress server = fixture.serve(stream -> arrived.add(new Heard(stream)));

  @AfterEach
  void close() {
    fixture.close();
  }

  private static Fields fields(String... lines) {
    Fields fields = new Fields();
    for (int i = 0; i < lines.length; i += 2) {
      fields.add(lines[i], lines[i + 1]);
    }
    return fields;
  }

  private static Head request(String method, String... lines) {
    return Head.request(method, "http", "store.shop:80", "/cart", "?id=1", fields(lines));
  }

  private Heard ask(Http2Client client, Head head, boolean last) {
    return fixture.on(() -> {
      Heard asked = new Heard(Objects.requireNonNull(client.open()));
      asked.stream.head(head, last);
      asked.stream.flush();
      return asked;
    });
  }

  private Heard taken() throws InterruptedException {
    return Objects.requireNonNull(arrived.poll(10, TimeUnit.SECONDS));
  }

  private void does(Heard one, Runnable what) {
    fixture.run(() -> {
      what.run();
      one.stream.flush();
    });
  }

  private static void send(Heard one, String text, boolean last) {
    one.stream.data(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII), last);
  }

  private void bothAreClosed() {
    Await.until(
        "both are closed",
        () -> fixture.servers.ends.size() == 1 && fixture.clients.ends.size() == 1);
  }

  @Test
  void carriesAMessageEachWayWithInterimHeadsAndTrailers() throws Exception {
    Http2Client client = fixture.connect(server);
    Heard asked = ask(client, request("POST", "X-Upper", "kept lower", "te", "trailers"), false);
    Heard served = taken();
    does(served, () -> served.stream.head(Head.response(103, fields("link", "</a>")), false));
    asked.awaits("103");
    does(asked, () -> send(asked, "body", false));
    does(asked, () -> asked.stream.trailers(fields("sum", "1")));
    served.awaits("trailers sum=1");
    does(served, () -> served.stream.head(Head.response(200, fields("server", "us")), false));
    does(served, () -> send(served, "answer", false));
    does(served, () -> served.stream.trailers(fields("grpc-status", "0")));
    asked.awaits("trailers grpc-status=0");

    Head head = Objects.requireNonNull(served.head);
    assertThat(head.scheme() + " " + head.authority() + " " + head.path() + " " + head.query())
        .isEqualTo("http store.shop:80 /cart ?id=1");
    assertThat(head.fields.first("x-upper")).isEqualTo("kept lower");
    assertThat(head.contentLength).isEqualTo(Head.UNKNOWN_LENGTH);
    assertThat(served.told).containsExactly("POST /cart", "trailers sum=1");
    assertThat(asked.told).containsExactly("103", "200", "trailers grpc-status=0");
    assertThat(List.of(served.bytes.get(), asked.bytes.get())).containsExactly(4, 6);
    Await.until("it is idle", () -> fixture.on(client::isIdle));
  }

  @ParameterizedTest
  @CsvSource({"NOT_PROCESSED,NOT_PROCESSED", "CANCELLED,CANCELLED", "FAILED,RESET", "RESET,RESET"})
  void tellsTheClientHowTheServerAborts(HttpStream.Abort how, String heard) throws Exception {
    Heard asked = ask(fixture.connect(server), request("GET"), true);
    Heard served = taken();

    does(served, () -> served.stream.abort(how));

    asked.awaits(heard);
    assertThat(served.told).containsExactly("GET /cart last");
  }

  @ParameterizedTest
  @CsvSource({"CANCELLED,CANCELLED", "RESET,CANCELLED", "PROTOCOL_ERROR,RESET"})
  void tellsTheServerHowTheClientAborts(HttpStream.Abort how, String heard) throws Exception {
    Heard asked = ask(fixture.connect(server), request("POST"), false);
    Heard served = taken();

    does(asked, () -> asked.stream.abort(how));

    served.awaits(heard);
    assertThat(asked.told).isEmpty();
  }

  /** RFC 9113 §8.1: the rest of the request is not wanted, and the answer is whole. */
  @Test
  void endsARequestThatWasAnsweredBeforeItsEndWithoutAnError() throws Exception {
    Heard asked = ask(fixture.connect(server), request("POST"), false);
    Heard served = taken();

    does(
        served,
        () -> {
          served.stream.head(Head.response(413, fields()), true);
          served.stream.abort(HttpStream.Abort.CANCELLED);
        });

    asked.awaits("CANCELLED");
    assertThat(asked.told).containsExactly("413 last", "CANCELLED");
  }

  @ParameterizedTest
  @ValueSource(strings = {"more", "less", "head", "204"})
  void aResponseOfAnotherLengthIsNotPassedOn(String what) throws Exception {
    String method = what.equals("head") ? "HEAD" : "GET";
    Heard asked = ask(fixture.connect(server), request(method), true);
    Heard served = taken();
    int status = what.equals("204") ? 204 : 200;
    Fields length = status == 204 ? fields() : fields("content-length", "5");

    does(
        served,
        () -> {
          served.stream.head(Head.response(status, length), false);
          send(served, what.equals("more") ? "six..." : "four", true);
        });

    asked.awaits("PROTOCOL_ERROR");
    assertThat(asked.told).containsExactly(String.valueOf(status), "PROTOCOL_ERROR");
  }

  @Test
  void theAnswerToHeadNamesALengthWithoutContent() throws Exception {
    Heard asked = ask(fixture.connect(server), request("HEAD"), true);
    Heard served = taken();

    does(served, () -> served.stream.head(Head.response(200, fields("content-length", "5")), true));

    asked.awaits("200 last");
    assertThat(Objects.requireNonNull(asked.head).contentLength).isZero();
    assertThat(Objects.requireNonNull(asked.head).fields.first("content-length")).isEqualTo("5");
  }

  @Test
  void opensATunnelByExtendedConnectOnceThePeerHasOfferedIt() throws Exception {
    Http2Client client = fixture.connect(server);
    Await.until("it is offered", () -> fixture.on(client::takesConnect));
    Head connect = request("CONNECT");
    connect.upgrade = "websocket";
    Heard asked = ask(client, connect, false);
    Heard served = taken();

    served.awaits("CONNECT /cart");
    assertThat(Objects.requireNonNull(served.head).upgrade).isEqualTo("websocket");
    does(served, () -> served.stream.head(Head.response(200, fields()), false));
    asked.awaits("200");
    assertThat(Objects.requireNonNull(asked.head).upgrade).isEqualTo("websocket");
    does(served, () -> send(served, "frame", true));
    does(asked, () -> send(asked, "frame", true));
    asked.awaits("data last");
    served.awaits("data last");
  }

  @Test
  void opensNoMoreThanThePeerTakesAndSaysWhenItMay() throws Exception {
    Http2Client client = fixture.connect(server);
    Await.until("settings came", () -> fixture.on(client::takesConnect));
    for (int i = 0; i < LIMITS.maxConcurrentStreams(); i++) {
      ask(client, request("GET"), true);
    }
    assertThat(fixture.on(client::open)).isNull();

    Heard first = taken();
    does(first, () -> first.stream.head(Head.response(204, fields()), true));

    Await.until("there is room", () -> fixture.on(client::canOpen));
  }

  /** What holds its content stops at its window, and nobody else does. */
  @Test
  void aStreamThatNobodyTakesHoldsUpNoOther() throws Exception {
    Http2Client client = fixture.connect(server);
    for (int i = 0; i < 3; i++) {
      Heard stalled = ask(client, request("POST"), false);
      Heard holds = taken();
      holds.holds = true;
      does(stalled, () -> send(stalled, "x".repeat(2 * ReceiveWindows.FIRST_OF_STREAM), false));
      Await.until("its window is full", () -> holds.bytes.get() == ReceiveWindows.FIRST_OF_STREAM);
      assertThat(fixture.on(stalled.stream::isWritable)).isFalse();
      assertThat(fixture.budget.held()).isGreaterThanOrEqualTo(2L * ReceiveWindows.FIRST_OF_STREAM);
    }
    Heard asked = ask(client, request("POST"), false);
    Heard served = taken();

    does(asked, () -> send(asked, "x".repeat(MEBIBYTE), true));

    served.awaits("data last");
    assertThat(served.bytes).hasValue(MEBIBYTE);
  }

  @Test
  void whoHasWaitedIsToldOnceThereIsRoom() throws Exception {
    Http2Client client = fixture.connect(server);
    Heard asked = ask(client, request("POST"), false);
    Heard served = taken();
    served.holds = true;
    does(asked, () -> send(asked, "x".repeat(2 * ReceiveWindows.FIRST_OF_STREAM), false));
    Await.until("its window is full", () -> served.bytes.get() == ReceiveWindows.FIRST_OF_STREAM);
    assertThat(fixture.on(asked.stream::isWritable)).isFalse();

    served.holds = false;
    does(served, () -> served.stream.consumed(ReceiveWindows.FIRST_OF_STREAM));

    Await.until("it is writable", () -> asked.writables.get() == 1);
    Await.until("all came", () -> served.bytes.get() == 2 * ReceiveWindows.FIRST_OF_STREAM);
    Await.until("nothing is held", () -> fixture.budget.held() == 0);
  }

  /** Whose reader has fallen silent gives up its bytes when there is no memory left. */
  @Test
  void theLargestIsEndedWhenMemoryIsShort() throws Exception {
    try (var narrow = new H2cFixture(LIMITS, 40_000)) {
      var served = new LinkedBlockingQueue<Heard>();
      InetSocketAddress address =
          narrow.serve(stream -> {
            Heard one = new Heard(stream);
            one.holds = true;
            served.add(one);
          });
      Http2Client client = narrow.connect(address);
      Heard asked =
          narrow.on(() -> {
            Heard one = new Heard(Objects.requireNonNull(client.open()));
            one.stream.head(request("POST"), false);
            send(one, "x".repeat(60_000), false);
            one.stream.flush();
            return one;
          });

      asked.awaits("RESET");
      Objects.requireNonNull(served.poll(1, TimeUnit.SECONDS)).awaits("FAILED");
    }
  }

  @Test
  void aServerThatDrainsFinishesWhatItTookAndCloses() throws Exception {
    Http2Client client = fixture.connect(server);
    Heard asked = ask(client, request("GET"), true);
    Heard served = taken();

    fixture.run(
        () -> fixture.open.stream().filter(Http2Codec::isServer).forEach(Http2Codec::drain));
    Await.until("the client knows", () -> !fixture.on(client::canOpen));
    assertThat(fixture.clients.ends).isEmpty();
    does(served, () -> served.stream.head(Head.response(200, fields()), true));

    asked.awaits("200 last");
    bothAreClosed();
    assertThat(fixture.clients.ends).containsExactly(ChannelEnd.FINISHED);
    assertThat(fixture.servers.ends).containsExactly(ChannelEnd.FINISHED);
  }

  /** What the kernel has is the client's, however long it takes over it. */
  @Test
  void theLastAnswerOfAServerThatDrainsWaitsForASlowReader() throws Exception {
    byte[] large = {0, 4, 0, 0x10, 0, 0}; // SETTINGS_INITIAL_WINDOW_SIZE, a MiB
    try (RawClient client = new RawClient(server)) {
      client.send(RawClient.SETTINGS, 0, 0, large);
      client.send(RawClient.WINDOW_UPDATE, 0, 0, RawClient.number(MEBIBYTE));
      client.send(
          RawClient.HEADERS,
          RawClient.END_HEADERS | RawClient.END_STREAM,
          1,
          RawClient.headers(
              ":method", "GET", ":scheme", "http", ":authority", "a.b", ":path", "/"));
      Heard served = taken();
      Http2Codec codec = fixture.open.iterator().next();
      fixture.run(codec::drain);
      client.next(RawClient.GOAWAY);
      client.send(RawClient.PING, RawClient.ACK, 0, client.next(RawClient.PING).payload());
      client.next(RawClient.GOAWAY);

      does(
          served,
          () -> {
            served.stream.head(Head.response(200, fields()), false);
            send(served, "x".repeat(MEBIBYTE), true);
          });
      Await.until("the kernel has all of it", () -> fixture.on(codec::isIdle));
      fixture.loop.schedule(() -> {}, 1_500, TimeUnit.MILLISECONDS).sync(); // any timer of a second

      int came = 0;
      Frame frame;
      do {
        frame = client.next(RawClient.DATA);
        came += frame.payload().length;
      } while ((frame.flags() & RawClient.END_STREAM) == 0);
      assertThat(came).isEqualTo(MEBIBYTE);
    }
    Await.until("it is closed", () -> fixture.servers.ends.size() == 1);
    assertThat(fixture.servers.ends).containsExactly(ChannelEnd.FINISHED);
  }

  @Test
  void aClientThatDrainsClosesBehindItsLastExchange() throws Exception {
    Http2Client client = fixture.connect(server);
    Heard asked = ask(client, request("GET"), true);
    Heard served = taken();

    fixture.run(client::drain);
    assertThat(fixture.on(client::open)).isNull();
    does(served, () -> served.stream.head(Head.response(200, fields()), true));

    asked.awaits("200 last");
    bothAreClosed();
    assertThat(fixture.clients.ends).containsExactly(ChannelEnd.FINISHED);
  }

  @Test
  void aLostConnectionResetsWhatRanOnIt() throws Exception {
    Http2Client client = fixture.connect(server);
    Heard asked = ask(client, request("POST"), false);
    Heard served = taken();

    fixture.run(client::reset);

    asked.awaits("RESET");
    served.awaits("RESET");
    bothAreClosed();
    assertThat(fixture.clients.ends).containsExactly(ChannelEnd.RESET_BY_US);
    assertThat(fixture.servers.ends).containsExactly(ChannelEnd.RESET_BY_PEER);
  }

  /** Both ends within the process, each of which answers while the other still sends. */
  @Test
  void worksOverAPipe() throws Exception {
    Pipe pipe = new Pipe();
    Http2Client client =
        fixture.on(() -> {
          var near = new Http2Client(pipe.near(), fixture.setup(), fixture.clients);
          var far = new Http2Server(pipe.far(), fixture.setup(), fixture.servers, Passage::echo);
          fixture.open.add(near);
          fixture.open.add(far);
          near.start();
          far.start();
          return near;
        });
    Heard asked = ask(client, request("POST"), false);
    does(asked, () -> send(asked, "x".repeat(MEBIBYTE), false));
    does(asked, () -> asked.stream.trailers(fields("sum", "1")));

    asked.awaits("trailers sum=1");
    assertThat(asked.bytes).hasValue(MEBIBYTE);
    fixture.run(client::drain);
    bothAreClosed();
    assertThat(fixture.clients.ends).containsExactly(ChannelEnd.FINISHED);
  }

  /** Whoever looked at the first bytes to see what they are hands them over with the channel. */
  @Test
  void beginsWithWhatWasReadAlready() throws Exception {
    Pipe pipe = new Pipe();
    Http2Client client =
        fixture.on(() -> {
          pipe.far().listen(new FirstLook(pipe.far()));
          var near = new Http2Client(pipe.near(), fixture.setup(), fixture.clients);
          fixture.open.add(near);
          pipe.far().start();
          near.start();
          return near;
        });

    ask(client, request("GET"), true).awaits("200 last");
  }

  private final class FirstLook implements ByteChannel.Listener {
    private final ByteChannel channel;

    FirstLook(ByteChannel channel) {
      this.channel = channel;
    }

    @Override
    public void bytes(ByteBuf bytes) {
      var server = new Http2Server(channel, fixture.setup(), fixture.servers, Passage::echo);
      fixture.open.add(server);
      server.start(bytes);
    }

    @Override
    public void inputEnded() {}

    @Override
    public void closed(ChannelEnd end) {}
  }
}
