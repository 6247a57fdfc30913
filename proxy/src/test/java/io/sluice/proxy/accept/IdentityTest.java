package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.Peers;
import io.sluice.proxy.Reporter;
import io.sluice.proxy.upstream.LocalConnections;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Two pods of one node. Without steering, the store's inbound listener and its application share an
 * address; so the inbound side's own connection comes back to the listener, and the hop guard has
 * to end it.
 */
@Timeout(60)
class IdentityTest {
  private static InetSocketAddress serveBoth(ProxyFixture fixture) {
    var inbound = fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4);
    fixture.sockets.redirect(ProxyFixture.STORE, Direction.INBOUND, inbound);
    return inbound;
  }

  private static void publishStrict(ProxyFixture fixture) {
    fixture.proxy.publish(
        ProxyFixture.snapshot(
            false,
            false,
            List.of(Peers.V4),
            List.of(ProxyFixture.buyerMayReachStore()),
            List.of()));
  }

  @Test
  void inboundKnowsTheWorkloadBehindEveryConnectionOfThisNode() {
    try (var fixture = new ProxyFixture()) {
      publishStrict(fixture);
      var inbound = serveBoth(fixture);
      var entry = fixture.outboundTo(inbound);
      int connections = 300;

      for (int i = 0; i < connections; i++) {
        CrossingTest.useUp(entry);
      }

      Await.until("all looped back", () -> fixture.proxy.stats().loops() == connections);
      Await.until("all have ended", () -> fixture.proxy.stats().live() == 0);
      Await.until(
          "all are told",
          () ->
              fixture.recorder.closed.size() + fixture.recorder.refused.size() >= 3 * connections);
      // A connection that is reset before its connect has ended counts as refused.
      assertThat(
              Stream.concat(fixture.recorder.closed.stream(), fixture.recorder.refused.stream())
                  .filter(record -> record.info().source().isPresent())
                  .filter(record -> record.info().direction() == Direction.INBOUND)
                  .map(record -> record.info().source().orElseThrow()))
          .hasSize(connections)
          .containsOnly(ProxyFixture.BUYER);
      assertThat(fixture.recorder.refused.stream().map(AccessRecord::closeReason))
          .doesNotContain(Reason.SOURCE_NOT_IN_MESH);
    }
  }

  @Test
  void inboundWaitsForAnOpenerThatHasNotSaidItsPortYet() throws IOException {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      publishStrict(fixture);
      LocalConnections known = fixture.proxy.path.localConnections;
      var entry = fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4);
      fixture.sockets.redirect(ProxyFixture.STORE, Direction.INBOUND, app.address());
      known.announce(app.address());
      try (Socket client = Peers.connect(entry)) {
        Await.until("accepted", () -> fixture.proxy.stats().live() == 1);
        assertThat(fixture.recorder.refused).isEmpty();

        var local = new InetSocketAddress(client.getLocalAddress(), client.getLocalPort());
        known.add(
            new LocalConnections.Tuple(local, app.address()),
            new LocalConnections.Origin(ProxyFixture.BUYER, local, false, false));
        known.withdraw(app.address());

        Peers.exchange(client, 3);
        assertThat(fixture.recorder.opened.getFirst().source()).contains(ProxyFixture.BUYER);
      }
    }
  }

  @Tag("attack")
  @Test
  void inboundRefusesWhoIsNotKnown() {
    try (var fixture = new ProxyFixture()) {
      publishStrict(fixture);

      CrossingTest.useUp(serveBoth(fixture));

      AccessRecord record = fixture.recorder.onlyRefused();
      assertThat(record.closeReason()).isEqualTo(Reason.SOURCE_NOT_IN_MESH);
      assertThat(record.info().reporter()).isEqualTo(Reporter.DESTINATION);
      assertThat(record.info().source()).isEmpty();
    }

    Attack.tried("a connection that no workload of this node has opened")
        .refusedBy("the serving proxy, connection reset")
        .countedAs("sluice_proxy_connections_refused_total{reason=\"source_not_in_mesh\"}");
  }

  @Test
  void endedConnectionsAreForgotten() {
    try (var fixture = new ProxyFixture()) {
      publishStrict(fixture);
      var entry = fixture.outboundTo(serveBoth(fixture));

      CrossingTest.useUp(entry);

      Await.until("nothing is known", () -> fixture.proxy.path.localConnections.size() == 0);
    }
  }
}
