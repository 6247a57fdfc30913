package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.proxy.Peers;
import io.sluice.proxy.http2.Flood;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.tls.PresentedChain;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A peer with a good certificate asks for what is refused, and reads none of the answers. */
@Timeout(120)
class UnreadAnswersTest {
  /** Fewer than may be open at once: an answer that has left makes room for the next request. */
  private static final int BATCH = 100;

  /** With answers of 60 bytes far more than two sockets hold. */
  private static final int BATCHES = 2_000;

  /** What waits, and what is being looked at: a third of all the answers. */
  private static final long MOST_HELD = 4 << 20;

  private static final byte[] REFUSED =
      RawClient.headers(":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a");

  /** SETTINGS_HEADER_TABLE_SIZE of zero (RFC 9113 §6.5.2): each answer is as long as the first. */
  private static final byte[] WITHOUT_TABLE = {0, 1, 0, 0, 0, 0};

  private static final HboneSettings SETTINGS =
      HboneSettings.DEFAULTS.with(
          new HboneSettings.Limits(2 * BATCH, 16 * 1_024, 64, 1_000, 1_000_000));

  private static byte[] requests(int batch) {
    return Flood.many(
        BATCH,
        i ->
            RawClient.frame(
                RawClient.HEADERS,
                RawClient.END_HEADERS | RawClient.END_STREAM,
                2 * (batch * BATCH + i) + 1,
                REFUSED));
  }

  /** Lets the server, whose connections share a thread, look at what was sent. */
  private static void pass(RawClient other) throws IOException {
    other.send(RawClient.PING, 0, 0, new byte[8]);
    other.next(RawClient.PING);
  }

  @Tag("attack")
  @Test
  void holdTheirStreamsAndEndTheConnection() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), SETTINGS, app.address())) {
      PresentedChain buyer = fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER));
      try (var client = new RawClient(fixture.exit, buyer);
          var other = new RawClient(fixture.exit, buyer)) {
        client.keepLittle();
        client.settle();
        other.settle();
        client.send(RawClient.SETTINGS, 0, 0, WITHOUT_TABLE);

        long held = 0;
        for (int i = 0; i < BATCHES && fixture.serverEvents.ends.isEmpty(); i++) {
          client.flood(requests(i));
          pass(other);
          held = Math.max(held, fixture.pinnedBytes());
        }

        Await.until("the connection has ended", () -> !fixture.serverEvents.ends.isEmpty());
        assertThat(fixture.serverEvents.ends).containsExactly(ConnectionEnd.FLOOD);
        assertThat(held).isLessThan(MOST_HELD);
      }
    }
    Attack.tried("HTTP/2 of an authenticated peer: requests whose refusals it never reads")
        .refusedBy("the serving proxy: their streams stay open, then the connection is ended")
        .countedAs("sluice_hbone_connections_closed_total{side=\"server\",reason=\"flood\"}");
  }
}
