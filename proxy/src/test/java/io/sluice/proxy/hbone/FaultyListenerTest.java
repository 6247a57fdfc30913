package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.await.Await;
import io.sluice.proxy.Peers;
import io.sluice.proxy.http2.Flood;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.RawClient.Frame;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsStack;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What takes the bytes of one stream fails; another stream is told behind it in the same turn. */
@Timeout(60)
class FaultyListenerTest {
  private static final int FAULTY = 1;
  private static final int SOUND = 3;

  private enum Call {
    BYTES,
    BATCH_ENDED,
    WRITABLE
  }

  /** Answers what came together with one byte, and with another when that has left. */
  private record Answering(HboneStream stream, Call fault) implements ByteChannel.Listener {
    static void begin(HboneExchange exchange, Call fault) {
      HboneStream stream = exchange.accept();
      stream.listen(new Answering(stream, fault));
      stream.start();
    }

    private void mayFail(Call now) {
      if (stream.id() == FAULTY && now == fault) {
        throw new IllegalStateException("in " + now);
      }
    }

    private void say(int one) {
      stream.write(Unpooled.wrappedBuffer(new byte[] {(byte) one}));
      stream.flush();
    }

    @Override
    public void bytes(ByteBuf bytes) {
      int length = bytes.readableBytes();
      bytes.release();
      mayFail(Call.BYTES);
      stream.consumed(length);
    }

    @Override
    public void batchEnded() {
      mayFail(Call.BATCH_ENDED);
      say(1);
    }

    @Override
    public void writable() {
      mayFail(Call.WRITABLE);
      stream.endOutput();
    }

    @Override
    public void inputEnded() {
      // The client goes on for as long as the test does.
    }

    @Override
    public void closed(ChannelEnd end) {
      // Nothing is held.
    }
  }

  @ParameterizedTest
  @EnumSource
  void endsItsOwnStreamAlone(Call fault) throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), HboneSettings.DEFAULTS, app.address());
        var client =
            new RawClient(
                fixture.exit,
                fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER)))) {
      fixture.policy = exchange -> Answering.begin(exchange, fault);
      client.settle();
      byte[] request = RawClient.connectTo(app.address());
      client.flood( // in one record of TLS, so that they are looked at together
          Flood.many(
              4,
              i ->
                  i < 2
                      ? RawClient.frame(
                          RawClient.HEADERS, RawClient.END_HEADERS, 2 * i + FAULTY, request)
                      : RawClient.frame(RawClient.DATA, 0, 2 * (i - 2) + FAULTY, new byte[10])));

      boolean reset = false;
      boolean answered = false;
      while (!reset || !answered) {
        Frame frame = client.read();
        reset |= frame.type() == RawClient.RST_STREAM && frame.stream() == FAULTY;
        answered |=
            frame.type() == RawClient.DATA
                && frame.stream() == SOUND
                && (frame.flags() & RawClient.END_STREAM) != 0;
      }

      Await.until("what came is not counted any more", () -> fixture.budget.held() == 0);
      assertThat(fixture.serverEvents.ends).isEmpty();
    }
  }
}
