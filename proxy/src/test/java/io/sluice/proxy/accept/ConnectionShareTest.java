package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.TestSettings;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A caller that takes all the connections of a pod that it can get. */
@Timeout(60)
class ConnectionShareTest {
  private static final int LIMIT = 64;
  private static final ProxySettings SETTINGS =
      TestSettings.but(it -> it.maxConnectionsPerPod = LIMIT);

  @Tag("attack")
  @Test
  void aPermittedCallerLeavesRoomForThePodItselfAndForOtherCallers() throws Exception {
    try (var nodes = new TwoNodes(TlsStack.best(), SETTINGS, Peers.ECHO)) {
      var egress =
          nodes.server.serve(
              TwoNodes.STORE,
              Direction.OUTBOUND,
              new InetSocketAddress(nodes.hbone().getAddress(), 0),
              nodes.app.address());
      var clerk =
          nodes.client.serve(
              TwoNodes.CLERK,
              Direction.OUTBOUND,
              new InetSocketAddress(Peers.V4, 0),
              nodes.app.address());
      List<Socket> greedy = new ArrayList<>();
      for (int i = 0; i < LIMIT + 8; i++) {
        greedy.add(Peers.connect(nodes.entry));
      }
      Await.until("it is refused", () -> !nodes.server.recorder.refused.isEmpty());
      Await.until("it holds what it can", () -> nodes.server.recorder.opened.size() >= LIMIT / 2);

      assertThat(isServed(egress)).as("the pod's own egress").isTrue();
      assertThat(isServed(clerk)).as("another caller").isTrue();

      assertThat(nodes.server.recorder.refused)
          .allMatch(record -> record.closeReason() == Reason.SOURCE_LIMIT)
          .allMatch(record -> TwoNodes.BUYER_ID.equals(record.info().sourceIdentityOrNull()));
      for (Socket socket : greedy) {
        socket.close();
      }
    }
    Attack.tried("a permitted caller takes every connection of the pod it calls")
        .refusedBy("PodRoom: 503 for more than its share; other callers and the pod's egress go on")
        .countedAs("sluice_proxy_connections_refused_total{reason=\"source_limit\"}");
  }

  @Tag("attack")
  @Test
  void strangersWithManyAddressesLeaveRoomForWorkloads() throws Exception {
    InetAddress known = InetAddress.ofLiteral("127.0.0.1");
    try (var app = Peers.echo(Peers.V4);
        var fixture = new ProxyFixture(SETTINGS)) {
      fixture.proxy.publish(
          ProxyFixture.snapshot(true, true, List.of(known), List.of(), List.of()));
      fixture.sockets.redirect(ProxyFixture.STORE, Direction.INBOUND, app.address());
      var entry = fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4);
      List<Socket> greedy = new ArrayList<>();
      for (int i = 1; i <= LIMIT + 8; i++) {
        Socket socket = new Socket();
        greedy.add(socket);
        socket.bind(new InetSocketAddress("127.254.1." + i, 0));
        try {
          socket.connect(entry, 5_000);
        } catch (SocketException e) {
          // One that is refused may be reset before this has returned.
        }
      }
      Await.until("one is refused", () -> !fixture.recorder.refused.isEmpty());

      assertThat(isServed(entry)).as("a workload").isTrue();

      assertThat(fixture.recorder.refused)
          .allMatch(record -> record.closeReason() == Reason.SOURCE_LIMIT);
      for (Socket socket : greedy) {
        socket.close();
      }
    }
    Attack.tried("strangers of many addresses take every connection of a pod, in clear")
        .refusedBy("PodRoom: reset, strangers together have one share")
        .countedAs("sluice_proxy_connections_refused_total{reason=\"source_limit\"}");
  }

  private static boolean isServed(InetSocketAddress entry) {
    try (Socket socket = Peers.connect(entry)) {
      socket.getOutputStream().write('x');
      return socket.getInputStream().read() == 'x';
    } catch (IOException e) {
      return false;
    }
  }
}
