package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.await.Await;
import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.LocalProxyMode;
import io.sluice.mesh.SameNodeMtls;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ReleaseMode;
import io.sluice.proxy.tls.TlsStack;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of connections between nodes when pods leave, proxies stop and nothing moves. */
@Timeout(60)
class CrossingLifecycleTest {
  private static final Peers.Conversation ECHO =
      socket -> socket.getInputStream().transferTo(socket.getOutputStream());

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void aPodThatIsReleasedTakesItsConnectionsWithIt(TlsStack stack) throws Exception {
    for (boolean atServer : new boolean[] {true, false}) {
      try (var nodes = new TwoNodes(stack, ECHO);
          Socket socket = Peers.connect(nodes.entry)) {
        Peers.exchange(socket, 'x');
        TestNode node = atServer ? nodes.server : nodes.client;

        node.proxy
            .release(atServer ? TwoNodes.STORE : TwoNodes.BUYER, ReleaseMode.RESET_ESTABLISHED)
            .get(10, TimeUnit.SECONDS);

        assertThatThrownBy(() -> socket.getInputStream().read())
            .isInstanceOf(SocketException.class);
        assertThat(node.recorder.onlyClosed().closeReason()).isEqualTo(Reason.DRAINING);
        Await.until(
            "nothing is shared any more",
            () -> nodes.client.shared.get() == 0 && nodes.server.shared.get() == 0);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void whatIsEstablishedMayOutliveItsPodsListeners(TlsStack stack) throws Exception {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      try (Socket socket = Peers.connect(nodes.entry)) {
        Peers.exchange(socket, 'x');

        nodes.server.proxy.release(TwoNodes.STORE, ReleaseMode.KEEP_ESTABLISHED).join();

        Peers.exchange(socket, 'x');
        CrossingTest.useUp(nodes.entry);
        assertThat(nodes.client.recorder.onlyRefused().closeReason()).isEqualTo(Reason.POD_CLOSED);
      }
      Await.until("the shared connection goes too", () -> nodes.server.shared.get() == 0);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void aProxyThatStopsLetsStreamsFinishAndTakesNoOthers(TlsStack stack) throws Exception {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      CompletableFuture<Void> drained;
      try (Socket socket = Peers.connect(nodes.entry)) {
        Peers.exchange(socket, 'x');

        drained = nodes.server.proxy.drain(Duration.ofSeconds(30));

        Peers.exchange(socket, 'x');
        CrossingTest.useUp(nodes.entry);
        assertThat(nodes.client.recorder.onlyRefused().verdict().isAllowed()).isFalse();
        assertThat(drained).isNotDone();
      }
      drained.get(10, TimeUnit.SECONDS);
      assertThat(nodes.server.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.FIN);
      assertThat(nodes.server.shared).hasValue(0);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void drainingCutsWhatHasNotFinishedInTime(TlsStack stack) throws Exception {
    for (boolean atServer : new boolean[] {true, false}) {
      try (var nodes = new TwoNodes(stack, ECHO);
          Socket socket = Peers.connect(nodes.entry)) {
        Peers.exchange(socket, 'x');
        TestNode node = atServer ? nodes.server : nodes.client;

        node.proxy.drain(Duration.ofMillis(100)).get(10, TimeUnit.SECONDS);

        assertThatThrownBy(() -> socket.getInputStream().read())
            .isInstanceOf(SocketException.class);
        assertThat(node.recorder.onlyClosed().closeKind()).isEqualTo(CloseKind.DRAIN);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void anIdleStreamIsResetAndTold(TlsStack stack) throws Exception {
    try (var nodes = new TwoNodes(stack, ECHO);
        Socket socket = Peers.connect(nodes.entry)) {
      Peers.exchange(socket, 'x');
      nodes.server.publish(
          nodes.with(
              TwoNodes.STORE,
              new ConnectionSettings(
                  Duration.ofSeconds(1), SameNodeMtls.DISABLED, LocalProxyMode.LOCALHOST, true)));

      assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketException.class);

      AccessRecord record = nodes.server.recorder.onlyClosed();
      assertThat(record.closeKind()).isEqualTo(CloseKind.IDLE);
      assertThat(record.bytesSent()).isEqualTo(1);
      assertThat(record.bytesReceived()).isEqualTo(1);
    }
  }

  /** Whoever answers early and closes resets who still sends; the answer is read before that. */
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void anEarlyAnswerOfAnApplicationThatClosesArrives(TlsStack stack) throws Exception {
    byte[] answer = new byte[3_000];
    Arrays.fill(answer, (byte) 7);
    Peers.Conversation answersEarly =
        socket -> {
          socket.getInputStream().read();
          socket.getOutputStream().write(answer);
          socket.close(); // with much that it has not read
        };
    try (var app = new Peers.Server(Peers.V4, answersEarly);
        var hop = new ProxyFixture();
        var nodes = new TwoNodes(stack, answersEarly)) {
      for (var entry : List.of(hop.outboundTo(app.address()), nodes.entry)) {
        for (int i = 0; i < 50; i++) {
          try (Socket socket = Peers.connect(entry)) {
            socket.getOutputStream().write(new byte[20_000]);

            assertThat(socket.getInputStream().readNBytes(answer.length)).isEqualTo(answer);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void manyStreamsShareFewConnections(TlsStack stack) throws Exception {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      int calls = 60;
      for (int call = 0; call < calls; call++) {
        try (Socket socket = Peers.connect(nodes.entry)) {
          Peers.exchange(socket, 'x');
        }
      }
      Await.until("all ended", () -> nodes.server.recorder.closed.size() == calls);
      assertThat(nodes.client.recorder.refused).isEmpty();
      assertThat(nodes.server.shared).hasValue(1);
      assertThat(nodes.server.proxy.stats().bufferedBytes()).isZero();
    }
  }
}
