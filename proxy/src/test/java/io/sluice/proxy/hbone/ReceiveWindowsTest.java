package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.sluice.proxy.Peers;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.RawClient.Frame;
import io.sluice.proxy.http2.ReceiveWindows;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsStack;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a peer may send, as far as it is away. */
@Timeout(60)
class ReceiveWindowsTest {
  private static final int HALF = ReceiveWindows.FIRST_OF_STREAM / 2;
  private static final int MOST_BURSTS = 6;
  private static final Duration ROUND_TRIP = Duration.ofMillis(100);

  /** Takes what comes at once. */
  private static void takeAll(HboneStream stream) {
    stream.listen(
        new ByteChannel.Listener() {
          @Override
          public void bytes(ByteBuf came) {
            int length = came.readableBytes();
            came.release();
            stream.consumed(length);
          }

          @Override
          public void inputEnded() {}

          @Override
          public void closed(ChannelEnd end) {}
        });
    stream.start();
  }

  private static void pass(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  /** Each would else wait for a round trip in its middle. */
  @Test
  void burstsOfAPeerThatIsFarFindALargerWindowThoughPausesAreLong() throws Exception {
    try (Peers.Server app = Peers.echo(Peers.V4);
        HboneFixture fixture =
            new HboneFixture(TlsStack.best(), HboneSettings.DEFAULTS, app.address());
        RawClient client =
            new RawClient(
                fixture.exit,
                fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER)))) {
      client.settle();
      fixture.policy = exchange -> takeAll(exchange.accept());
      client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, RawClient.connectTo(app.address()));
      client.next(RawClient.HEADERS);
      long credit = ReceiveWindows.FIRST_OF_STREAM;

      for (int i = 0; i < MOST_BURSTS && credit <= ReceiveWindows.FIRST_OF_STREAM; i++) {
        pass(ROUND_TRIP.multipliedBy(5));
        client.send(RawClient.DATA, 0, 1, new byte[HALF]);
        credit -= HALF;
        client.send(RawClient.PING, 0, 0, new byte[8]);
        for (Frame frame = client.read(); !isAnswer(frame); frame = client.read()) {
          if (frame.type() == RawClient.WINDOW_UPDATE && frame.stream() == 1) {
            credit += ByteBuffer.wrap(frame.payload()).getInt();
          } else if (frame.type() == RawClient.PING) {
            pass(ROUND_TRIP);
            client.send(RawClient.PING, RawClient.ACK, 0, frame.payload());
          }
        }
      }

      assertThat(credit).isEqualTo(2L * ReceiveWindows.FIRST_OF_STREAM);
    }
  }

  private static boolean isAnswer(Frame frame) {
    return frame.type() == RawClient.PING && frame.flags() == RawClient.ACK;
  }
}
