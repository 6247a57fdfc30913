package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.await.Await;
import io.sluice.proxy.Peers;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.RawClient.Frame;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What leaves when, towards a client that gives little. */
@Timeout(60)
class SendWindowsTest {
  private static final int CONNECTION_WINDOW = 65_535; // RFC 9113 §6.9.2
  private static final int FULL_FRAME = 16_384 - 9;
  private static final int MUCH = 60_000;
  private static final int TOO_MUCH = 100_000; // for the connection's window

  private final Queue<ChannelEnd> ends = new ConcurrentLinkedQueue<>();
  private final Map<Integer, Integer> bytes = new HashMap<>();
  private final List<Integer> frames = new ArrayList<>();
  private boolean ending = true;
  private Peers.Server app;
  private HboneFixture fixture;
  private RawClient client;

  @BeforeEach
  void connect() throws Exception {
    app = Peers.echo(Peers.V4);
    fixture = new HboneFixture(TlsStack.best(), HboneSettings.DEFAULTS, app.address());
    client =
        new RawClient(
            fixture.exit, fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER)));
    client.settle();
  }

  @AfterEach
  void close() throws Exception {
    client.close();
    fixture.close();
    app.close();
  }

  /** Once so many requests are there, each is answered with as many bytes, in one turn. */
  private void answer(int requests, int length) {
    List<HboneExchange> asked = new ArrayList<>();
    fixture.policy =
        exchange -> {
          asked.add(exchange);
          if (asked.size() == requests) {
            asked.forEach(each -> send(each.accept(), length));
          }
        };
  }

  private void send(HboneStream stream, int length) {
    stream.listen(
        new ByteChannel.Listener() {
          @Override
          public void bytes(ByteBuf came) {
            came.release();
          }

          @Override
          public void inputEnded() {}

          @Override
          public void closed(ChannelEnd end) {
            ends.add(end);
          }
        });
    stream.start();
    stream.write(Unpooled.wrappedBuffer(new byte[length]));
    if (ending) {
      stream.endOutput();
    }
  }

  private void ask(int stream) throws IOException {
    client.send(
        RawClient.HEADERS, RawClient.END_HEADERS, stream, RawClient.connectTo(app.address()));
  }

  private void window(int stream, int more) throws IOException {
    client.send(RawClient.WINDOW_UPDATE, 0, stream, RawClient.number(more));
  }

  private void windowOfStreams(int length) throws IOException {
    client.send(
        RawClient.SETTINGS,
        0,
        0,
        ByteBuffer.allocate(6).putShort((short) 4).putInt(length).array());
  }

  private Frame data() throws IOException {
    Frame frame = client.next(RawClient.DATA);
    frames.add(frame.payload().length);
    bytes.merge(frame.stream(), frame.payload().length, Integer::sum);
    return frame;
  }

  private int sum() {
    return frames.stream().mapToInt(Integer::intValue).sum();
  }

  private void readUntil(int sum) throws IOException {
    while (sum() < sum) {
      data();
    }
  }

  @Test
  void streamsThatWaitForTheConnectionsWindowTakeTurnsWhenItOpens() throws Exception {
    windowOfStreams(1 << 20);
    answer(2, TOO_MUCH);
    ask(1);
    ask(3);
    readUntil(CONNECTION_WINDOW);
    assertThat(bytes).containsOnly(Map.entry(1, CONNECTION_WINDOW));

    window(0, 2 * FULL_FRAME);
    readUntil(CONNECTION_WINDOW + 2 * FULL_FRAME);
    assertThat(bytes)
        .containsOnly(Map.entry(1, CONNECTION_WINDOW + FULL_FRAME), Map.entry(3, FULL_FRAME));

    window(0, 2 * TOO_MUCH);
    readUntil(2 * TOO_MUCH);
    assertThat(bytes).containsOnly(Map.entry(1, TOO_MUCH), Map.entry(3, TOO_MUCH));
  }

  @Test
  void aShortWindowOfTheConnectionIsDividedAmongThoseWhoWait() throws Exception {
    windowOfStreams(1 << 20);
    answer(2, TOO_MUCH);
    ask(1);
    ask(3);
    readUntil(CONNECTION_WINDOW);
    frames.clear();

    window(0, 4_096);
    readUntil(4_096);
    assertThat(frames).containsExactly(2_048, 2_048);
    window(0, 1_536);
    readUntil(4_096 + 1_536);
    assertThat(frames.subList(2, 4)).as("not too little either").containsExactly(1_024, 512);
  }

  @Test
  void aFrameFillsARecordAndNoMore() throws Exception {
    answer(1, MUCH);
    ask(1);

    readUntil(MUCH);
    assertThat(frames).startsWith(FULL_FRAME, FULL_FRAME, FULL_FRAME).hasSize(4);
  }

  @Test
  void aStreamSendsWhatItsWindowLetsAndItsEndBehindThat() throws Exception {
    windowOfStreams(0);
    answer(1, 20);
    ask(1);
    client.next(RawClient.HEADERS);
    window(1, 5);
    assertThat(data().payload()).hasSize(5);

    windowOfStreams(15);
    Frame last = data();
    assertThat(last.payload()).hasSize(15);
    assertThat(last.flags()).isEqualTo(RawClient.END_STREAM);
  }

  /** A relay may have read more than it is to flush before what it wrote has gone. */
  @Test
  void whatWasWrittenLeavesWithWhateverIsFlushedNext() throws Exception {
    ending = false;
    answer(1, 5);
    ask(1);
    client.send(RawClient.PING, 0, 0, new byte[8]);

    assertThat(data().payload()).hasSize(5);
  }

  @Test
  void anEndWithoutContentNeedsNoWindow() throws Exception {
    windowOfStreams(0);
    answer(1, 0);
    ask(1);

    Frame last = data();
    assertThat(last.payload()).isEmpty();
    assertThat(last.flags()).isEqualTo(RawClient.END_STREAM);
  }

  /** The client's end is there, ours is not: nothing was finished. */
  @Test
  void whatWaitsForAWindowGoesWithItsStreamAndNotWithoutAWord() throws Exception {
    windowOfStreams(1 << 20);
    answer(2, TOO_MUCH);
    ask(1);
    ask(3);
    readUntil(CONNECTION_WINDOW);
    client.send(RawClient.DATA, RawClient.END_STREAM, 1, new byte[0]);
    client.send(RawClient.RST_STREAM, 0, 1, RawClient.number(8));
    Await.until("its end is told", () -> !ends.isEmpty());
    assertThat(ends).containsExactly(ChannelEnd.RESET_BY_PEER);

    window(0, 2 * TOO_MUCH);
    readUntil(CONNECTION_WINDOW + TOO_MUCH);
    assertThat(bytes).containsOnly(Map.entry(1, CONNECTION_WINDOW), Map.entry(3, TOO_MUCH));
    client.send(RawClient.DATA, RawClient.END_STREAM, 3, new byte[0]);
    Await.until("the other's end is told", () -> ends.size() == 2);
    assertThat(ends).containsExactly(ChannelEnd.RESET_BY_PEER, ChannelEnd.FINISHED);
  }

  @Test
  void aWindowThatSettingsMakeTooLargeEndsTheConnection() throws Exception {
    answer(1, MUCH);
    ask(1);
    readUntil(MUCH);
    window(1, Integer.MAX_VALUE - CONNECTION_WINDOW);
    windowOfStreams(Integer.MAX_VALUE);

    assertThat(client.next(RawClient.GOAWAY).error()).isEqualTo(3); // FLOW_CONTROL_ERROR
  }
}
