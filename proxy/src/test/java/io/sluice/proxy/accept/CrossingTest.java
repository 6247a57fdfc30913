package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.epoll.LinuxSocket;
import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.LocalProxyMode;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.SameNodeMtls;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.TestSettings;
import io.sluice.proxy.hbone.ConnectionEnd;
import io.sluice.proxy.hbone.HboneSettings;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Connections that cross from one node to another, through both proxies. */
@Timeout(60)
class CrossingTest {
  private static final byte[] HELLO = "hello".getBytes(StandardCharsets.US_ASCII);
  private static final Duration DENY_LIMIT = Duration.ofSeconds(1);

  private static final Peers.Conversation ECHO =
      socket -> socket.getInputStream().transferTo(socket.getOutputStream());

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void aGrantedConnectionCrossesWithBothIdentitiesProven(TlsStack stack) throws Exception {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      try (Socket socket = Peers.connect(nodes.entry)) {
        socket.getOutputStream().write(HELLO);
        socket.shutdownOutput();
        assertThat(socket.getInputStream().readAllBytes()).isEqualTo(HELLO);
      }

      for (AccessRecord record :
          List.of(nodes.client.recorder.onlyClosed(), nodes.server.recorder.onlyClosed())) {
        assertThat(record.closeKind()).isEqualTo(CloseKind.FIN);
        assertThat(record.verdict().reason()).isEqualTo(Reason.TRAFFIC_TARGET);
        assertThat(record.bytesSent()).isEqualTo(HELLO.length);
        assertThat(record.bytesReceived()).isEqualTo(HELLO.length);
        assertThat(record.info().securityPolicy()).isEqualTo("mutual_tls");
        assertThat(record.info().source()).contains(TwoNodes.BUYER);
        assertThat(record.info().sourceIdentityOrNull()).isEqualTo(TwoNodes.BUYER_ID);
        assertThat(record.info().destinationIdentityOrNull()).isEqualTo(TwoNodes.STORE_ID);
        assertThat(record.info().originalDestination()).contains(nodes.app.address());
        assertThat(record.info().upstream()).contains(nodes.app.address());
      }
      assertThat(nodes.server.recorder.received).hasValue(HELLO.length);
      assertThat(nodes.app.accepted).hasValue(1);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void theApplicationIsShownTheCallingPodsAddress(TlsStack stack) throws Exception {
    try (var nodes = new TwoNodes(stack, ECHO);
        Socket socket = Peers.connect(nodes.entry)) {
      exchange(socket);

      FakePodSockets.Opened dialled = nodes.server.sockets.opened.element();
      assertThat(dialled.inside()).isEqualTo(TwoNodes.STORE);
      assertThat(dialled.application().orElseThrow().client().getAddress()).isEqualTo(Peers.V4);
      FakePodSockets.Opened shared = nodes.client.sockets.opened.element();
      assertThat(shared.inside()).isEqualTo(TwoNodes.BUYER);
      assertThat(shared.application()).isEmpty();
    }
  }

  /**
   * The application answers later than the usual wait, sooner than what is said for the service.
   */
  @Test
  void anAnswerIsWaitedForAsLongAsIsSaid() throws Exception {
    HboneSettings.Times usual = HboneSettings.DEFAULTS.times();
    HboneSettings.Times brief =
        new HboneSettings.Times(
            Duration.ofSeconds(2),
            usual.answer(),
            usual.pingAfter(),
            usual.pingTimeout(),
            usual.idle(),
            usual.age());
    try (var nodes =
        new TwoNodes(
            TlsStack.best(),
            TestSettings.but(it -> it.hbone = it.hbone.with(brief)),
            ProxySettings.DEFAULTS,
            ECHO)) {
      SnapshotEditor editor =
          nodes
              .snapshot(
                  TwoNodes.settings(DeniedPeers.NONE),
                  TwoNodes.buyerMayCall(),
                  nodes.storeAddresses(),
                  List.of(nodes.app.address()))
              .edit();
      int none = UpstreamSetting.UNLIMITED;
      editor.put(
          new UpstreamSetting(
              new NamespacedName("shop", "store"),
              new NamespacedName("shop", "limits"),
              new Pool(none, Duration.ofSeconds(30), none, none, none, none),
              null,
              UpstreamSetting.Limits.NONE));
      nodes.publish(editor.snapshot(8));
      nodes.client.sockets.redirect(
          TwoNodes.BUYER,
          Direction.OUTBOUND,
          new InetSocketAddress(TwoNodes.SERVICE, TwoNodes.SERVICE_PORT));
      nodes.server.sockets.opener =
          () ->
              CompletableFuture.supplyAsync(
                  () -> LinuxSocket.newSocketStream(false).intValue(),
                  CompletableFuture.delayedExecutor(2_500, TimeUnit.MILLISECONDS));
      nodes.server.sockets.usesOpener = true;

      try (Socket socket = Peers.connect(nodes.entry)) {
        exchange(socket);
      }
    }
  }

  @Test
  void whoGoesBeforeTheAnswerIsTold() throws Exception {
    try (var nodes = new TwoNodes(TlsStack.best(), ECHO)) {
      nodes.server.sockets.usesOpener = true; // which never makes one
      Socket socket = Peers.connect(nodes.entry);
      Await.until("it is dialled", () -> !nodes.server.sockets.opened.isEmpty());

      Peers.reset(socket);

      assertThat(nodes.server.recorder.onlyRefused().closeKind())
          .isEqualTo(CloseKind.RESET_BY_CLIENT);
    }
  }

  /** By which this node's own callers would be led to others. */
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void isALoadOfTheEndpointForTheNodeOfTheCallerAlone(TlsStack stack) throws Exception {
    try (var nodes = new TwoNodes(stack, ECHO);
        Socket socket = Peers.connect(nodes.entry)) {
      exchange(socket);

      assertThat(nodes.client.proxy.endpointLoads()).isEqualTo(Map.of(nodes.app.address(), 1));
      assertThat(nodes.server.proxy.endpointLoads()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void aResetByEitherApplicationReachesTheOther(TlsStack stack) throws Exception {
    var seen = new CompletableFuture<Throwable>();
    try (var nodes =
        new TwoNodes(
            stack,
            socket -> {
              int first = socket.getInputStream().read();
              socket.getOutputStream().write(first);
              if (first == 'r') {
                Peers.reset(socket);
                return;
              }
              try {
                socket.getInputStream().read();
              } catch (SocketException e) {
                seen.complete(e);
              }
            })) {
      Socket resetting = Peers.connect(nodes.entry);
      assertThat(ask(resetting, 'x')).isEqualTo('x');
      Peers.reset(resetting);
      assertThat(seen.get(10, TimeUnit.SECONDS)).hasMessageContaining("reset");

      try (Socket resetByApp = Peers.connect(nodes.entry)) {
        assertThatThrownBy(
                () -> {
                  ask(resetByApp, 'r');
                  resetByApp.getInputStream().read();
                })
            .isInstanceOf(SocketException.class);
      }
      Await.until("four records", () -> records(nodes).size() == 4);
      assertThat(records(nodes))
          .containsExactlyInAnyOrder(
              CloseKind.RESET_BY_CLIENT,
              CloseKind.RESET_BY_CLIENT,
              CloseKind.RESET_BY_UPSTREAM,
              CloseKind.RESET_BY_UPSTREAM);
    }
  }

  private static List<CloseKind> records(TwoNodes nodes) {
    return Stream.concat(
            nodes.client.recorder.closed.stream(), nodes.server.recorder.closed.stream())
        .map(AccessRecord::closeKind)
        .toList();
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void aPeerOnTheDenyListIsCutWithinASecondByEitherNode(TlsStack stack) throws Exception {
    for (boolean atServer : new boolean[] {true, false}) {
      try (var nodes = new TwoNodes(stack, ECHO);
          Socket socket = Peers.connect(nodes.entry)) {
        exchange(socket);
        TestNode node = atServer ? nodes.server : nodes.client;
        var denied =
            new DeniedPeers(
                Set.of(atServer ? TwoNodes.BUYER_ID : TwoNodes.STORE_ID), Set.of(), Set.of());

        long begin = System.nanoTime();
        node.publish(
            nodes.snapshot(
                TwoNodes.settings(denied),
                TwoNodes.buyerMayCall(),
                nodes.storeAddresses(),
                List.of()));
        assertThatThrownBy(() -> socket.getInputStream().read())
            .isInstanceOf(SocketException.class);

        assertThat(Duration.ofNanos(System.nanoTime() - begin))
            .isLessThan(AtLoad.limit(DENY_LIMIT));
        AccessRecord record = node.recorder.onlyClosed();
        assertThat(record.closeKind()).isEqualTo(CloseKind.DENIED);
        assertThat(record.closeReason()).isEqualTo(Reason.PEER_DENIED);
        Await.until("the end is told", () -> !node.ends.isEmpty());
        assertThat(node.ends).containsExactly(ConnectionEnd.DENIED);
        useUp(nodes.entry);
        assertThat(nodes.client.recorder.onlyRefused().closeReason()).isEqualTo(Reason.TLS_FAILED);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void withMutualTlsOffItGoesInPlaintext(TlsStack stack) throws Exception {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      var off =
          new MeshSettings(
              false, false, TrustDomain.CLUSTER_LOCAL, false, DeniedPeers.NONE, RevokedMode.CLOSE);
      nodes.publish(
          nodes.snapshot(off, TwoNodes.buyerMayCall(), nodes.storeAddresses(), List.of()));
      try (Socket socket = Peers.connect(nodes.entry)) {
        exchange(socket);
      }

      assertThat(nodes.client.recorder.onlyClosed().info().securityPolicy()).isEqualTo("none");
      assertThat(nodes.client.shared).hasValue(0);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void withinTheNodeItGoesWithTlsWhereEitherEndRequiresIt(TlsStack stack) throws Exception {
    ConnectionSettings required =
        new ConnectionSettings(
            Duration.ZERO, SameNodeMtls.REQUIRED, LocalProxyMode.LOCALHOST, true);
    for (NamespacedName end : List.of(TwoNodes.BUYER, TwoNodes.STORE)) {
      try (var nodes = new TwoNodes(stack, ECHO)) {
        InetSocketAddress elsewhere = new InetSocketAddress(TwoNodes.freshAddress(), 0);
        nodes.client.serve(TwoNodes.STORE, Direction.INBOUND, elsewhere, nodes.app.address());
        nodes.publish(nodes.with(end, required));
        try (Socket socket = Peers.connect(nodes.entry)) {
          exchange(socket);
        }

        AccessRecord record = nodes.client.recorder.onlyClosed();
        assertThat(record.info().securityPolicy()).as("%s", end).isEqualTo("mutual_tls");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void whatIsServedOnTheSameNodeGoesWithoutTls(TlsStack stack) throws Exception {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      InetSocketAddress elsewhere = new InetSocketAddress(TwoNodes.freshAddress(), 0);
      nodes.client.serve(TwoNodes.STORE, Direction.INBOUND, elsewhere, nodes.app.address());
      try (Socket socket = Peers.connect(nodes.entry)) {
        exchange(socket);
      }

      AccessRecord record = nodes.client.recorder.onlyClosed();
      assertThat(record.info().securityPolicy()).isEqualTo("none");
      assertThat(record.info().sourceIdentityOrNull()).isEqualTo(TwoNodes.BUYER_ID);
      assertThat(record.info().destinationIdentityOrNull()).isEqualTo(TwoNodes.STORE_ID);
      assertThat(nodes.server.recorder.opened).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void anotherEndpointIsTriedWhereNothingWasSent(TlsStack stack) throws Exception {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      var nobody = new InetSocketAddress(TwoNodes.freshAddress(), nodes.app.address().getPort());
      var addresses = List.of(nodes.storeAddresses().getFirst(), nobody.getAddress());
      nodes.client.publish(
          nodes.snapshot(
              TwoNodes.settings(DeniedPeers.NONE),
              TwoNodes.buyerMayCall(),
              addresses,
              List.of(nobody, nodes.app.address())));
      nodes.client.sockets.redirect(
          TwoNodes.BUYER,
          Direction.OUTBOUND,
          new InetSocketAddress(TwoNodes.SERVICE, TwoNodes.SERVICE_PORT));

      for (int call = 0; call < 10; call++) { // the first pick is random
        try (Socket socket = Peers.connect(nodes.entry)) {
          exchange(socket);
        }
      }
      assertThat(nodes.client.recorder.refused).isEmpty();
    }
  }

  private static void exchange(Socket socket) throws Exception {
    assertThat(ask(socket, 'x')).isEqualTo('x');
  }

  private static int ask(Socket socket, int letter) throws Exception {
    socket.getOutputStream().write(letter);
    return socket.getInputStream().read();
  }

  /** Makes a connection that is to be refused. */
  static void useUp(InetSocketAddress entry) {
    try (Socket socket = Peers.connect(entry)) {
      assertThat(socket.getInputStream().read()).isEqualTo(-1);
    } catch (IOException e) {
      // Reset, as it should be: the records say why.
    }
  }
}
