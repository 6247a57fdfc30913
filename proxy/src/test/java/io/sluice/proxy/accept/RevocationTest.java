package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.attack.Attack;
import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of open connections that policy no longer allows. */
@Timeout(60)
class RevocationTest {
  private static final Duration LIMIT = Duration.ofMillis(100);

  /** Times measured with other tests beside count as kept up to here. */
  private static final int ROOM = 5;

  private static final int MANY = 1_000;

  /** Waits for the reset, and says how long it took. */
  private static Duration resetAfter(long begin, Socket client) {
    assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  private static MeshSnapshot granting(
      RevokedMode mesh, boolean egress, @Nullable RevokedMode target, boolean granted) {
    Permission usual = ProxyFixture.buyerMayReachStore();
    Permission permission =
        new Permission(
            usual.name(),
            usual.destination(),
            usual.sources(),
            Set.of(),
            usual.ports(),
            usual.access(),
            target);
    SnapshotEditor editor =
        ProxyFixture.snapshot(
                false,
                egress,
                List.of(Peers.V4),
                granted ? List.of(permission) : List.of(),
                List.of())
            .edit();
    editor.put(
        new MeshSettings(false, egress, TrustDomain.CLUSTER_LOCAL, false, DeniedPeers.NONE, mesh));
    return editor.snapshot(granted ? 8 : 9);
  }

  @Tag("attack")
  @Test
  void aThousandConnectionsEndWithTheirTrafficTargetAndNoOthers() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var outside = Peers.echo(TwoNodes.freshAddress());
        var fixture = new ProxyFixture()) {
      fixture.proxy.publish(granting(RevokedMode.CLOSE, true, null, true));
      InetSocketAddress entry = fixture.outboundTo(app.address());
      List<Socket> clients = new ArrayList<>();
      for (int i = 0; i < MANY; i++) {
        Socket client = Peers.connect(entry);
        Peers.exchange(client, 9);
        clients.add(client);
      }
      Socket spared = Peers.connect(fixture.outboundTo(outside.address()));
      Peers.exchange(spared, 9);

      long begin = System.nanoTime();
      fixture.proxy.publish(granting(RevokedMode.CLOSE, true, null, false));
      Await.until("all are told", () -> fixture.recorder.closed.size() == MANY);
      Duration took = Duration.ofNanos(System.nanoTime() - begin);
      for (Socket client : clients) {
        resetAfter(begin, client);
        client.close();
      }

      Peers.exchange(spared, 9);
      spared.close();
      Await.until("all have ended", () -> fixture.recorder.closed.size() == MANY + 1);
      assertThat(took).isLessThan(AtLoad.limit(LIMIT.multipliedBy(ROOM)));
      assertThat(fixture.recorder.closed)
          .filteredOn(record -> record.closeKind() == CloseKind.REVOKED)
          .hasSize(MANY)
          .allSatisfy(record -> {
            assertThat(record.closeReason()).isEqualTo(Reason.NO_TRAFFIC_TARGET);
            assertThat(record.verdict().rule()).contains(new NamespacedName("shop", "buy"));
          });
    }
    Attack.tried(MANY + " open connections are held on to when their TrafficTarget goes")
        .refusedBy("Rejudgement: each is reset")
        .countedAs("istio_tcp_connections_closed_total{response_flags=\"UAEX\"}");
  }

  @ParameterizedTest
  @CsvSource({"KEEP,,true", "CLOSE,KEEP,true", "KEEP,CLOSE,false"})
  void theTargetsWordGoesBeforeThatOfTheMesh(
      RevokedMode mesh, @Nullable RevokedMode target, boolean goesOn) throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      fixture.proxy.publish(granting(mesh, false, target, true));
      InetSocketAddress entry = fixture.outboundTo(app.address());
      try (Socket client = Peers.connect(entry)) {
        Peers.exchange(client, 9);

        fixture.proxy.publish(granting(mesh, false, target, false));

        assertThatThrownBy(() -> Peers.exchange(Peers.connect(entry), 9))
            .isInstanceOf(IOException.class);
        fixture.proxy.tick(System.nanoTime());
        if (goesOn) {
          Peers.exchange(client, 9);
        } else {
          resetAfter(0, client);
          assertThat(fixture.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.REVOKED);
        }
      }
    }
  }

  @Test
  void whatWasKeptEndsWhenTheMeshNoLongerKeepsIt() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      fixture.proxy.publish(granting(RevokedMode.KEEP, false, null, true));
      try (Socket client = Peers.connect(fixture.outboundTo(app.address()))) {
        Peers.exchange(client, 9);
        fixture.proxy.publish(granting(RevokedMode.KEEP, false, null, false));
        Peers.exchange(client, 9);

        fixture.proxy.publish(granting(RevokedMode.CLOSE, false, null, false));

        resetAfter(0, client);
      }
    }
  }

  @Test
  void aConnectionToTheOutsideEndsWithEgress() throws Exception {
    try (var outside = Peers.echo(TwoNodes.freshAddress());
        var fixture = new ProxyFixture()) {
      fixture.proxy.publish(granting(RevokedMode.CLOSE, true, null, true));
      try (Socket client = Peers.connect(fixture.outboundTo(outside.address()))) {
        Peers.exchange(client, 9);

        fixture.proxy.publish(granting(RevokedMode.CLOSE, false, null, true));

        resetAfter(0, client);
        assertThat(fixture.recorder.onlyClosed().closeReason()).isEqualTo(Reason.EGRESS_DISABLED);
      }
    }
  }

  @Test
  void whatWasPermittedWhenItCameAndIsNotWhenItsUpstreamAnswersNeverOpens() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture()) {
      fixture.proxy.publish(granting(RevokedMode.CLOSE, false, null, true));
      InetSocketAddress entry = fixture.outboundTo(app.address());
      CompletableFuture<Integer> socket = new CompletableFuture<>();
      fixture.sockets.opener = () -> socket;
      fixture.sockets.usesOpener = true;
      try (Socket client = Peers.connect(entry)) {
        Await.until("it is being reached", () -> !fixture.sockets.opened.isEmpty());
        fixture.proxy.publish(granting(RevokedMode.CLOSE, false, null, false));
        fixture.sockets.usesOpener = false;
        socket.complete(
            fixture.sockets.open(ProxyFixture.BUYER, Peers.V4, Optional.empty()).join());

        resetAfter(0, client);

        AccessRecord record = fixture.recorder.onlyRefused();
        assertThat(record.verdict().reason()).isEqualTo(Reason.NO_TRAFFIC_TARGET);
        assertThat(fixture.recorder.opened).isEmpty();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void aStreamBetweenNodesEndsByEitherOfThemAndLeavesTheConnection(TlsStack stack)
      throws Exception {
    for (boolean atServer : new boolean[] {true, false}) {
      try (var nodes = new TwoNodes(stack, Peers.ECHO);
          Socket client = Peers.connect(nodes.entry)) {
        Peers.exchange(client, 9);
        TestNode node = atServer ? nodes.server : nodes.client;

        long begin = System.nanoTime();
        node.publish(
            nodes.snapshot(
                TwoNodes.settings(DeniedPeers.NONE), List.of(), nodes.storeAddresses(), List.of()));

        assertThat(resetAfter(begin, client)).isLessThan(AtLoad.limit(LIMIT.multipliedBy(ROOM)));
        AccessRecord record = node.recorder.onlyClosed();
        assertThat(record.closeKind()).isEqualTo(CloseKind.REVOKED);
        assertThat(record.info().direction())
            .isEqualTo(atServer ? Direction.INBOUND : Direction.OUTBOUND);
        assertThat(nodes.client.shared).hasValue(1);
      }
    }
  }
}
