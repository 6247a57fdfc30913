package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.TestSettings;
import io.sluice.proxy.hbone.HboneSettings;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.TlsStack;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Connections between nodes that are refused, each with its reason on the side that knows it. */
@Timeout(60)
class CrossingRefusalTest {
  private static final SpiffeId THIEF_ID = TwoNodes.identity("thief");

  private static final Peers.Conversation ECHO =
      socket -> socket.getInputStream().transferTo(socket.getOutputStream());

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void theServersVerdictCounts(TlsStack stack) {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      nodes.server.publish(
          nodes.snapshot(
              TwoNodes.settings(DeniedPeers.NONE), List.of(), nodes.storeAddresses(), List.of()));

      CrossingTest.useUp(nodes.entry);

      assertRefused(nodes.client, Reason.REFUSED_BY_PEER);
      AccessRecord record = assertRefused(nodes.server, Reason.NO_TRAFFIC_TARGET);
      assertThat(record.info().source()).contains(TwoNodes.BUYER);
      assertThat(record.info().securityPolicy()).isEqualTo("mutual_tls");
      assertThat(nodes.app.accepted).hasValue(0);
    }

    refused(
        "a call that the serving side does not allow, the calling side does",
        Reason.NO_TRAFFIC_TARGET);
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void nothingButTheAddressesOfThePodIsReachedThroughIt(TlsStack stack) {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      nodes.server.publish(snapshotWithStoreAt(nodes, List.of(Peers.V6)));

      CrossingTest.useUp(nodes.entry);

      assertRefused(nodes.client, Reason.WRONG_DESTINATION);
      assertRefused(nodes.server, Reason.WRONG_DESTINATION);
      assertThat(nodes.app.accepted).hasValue(0);
    }

    refused("a tunnel to an address that is not the pod's", Reason.WRONG_DESTINATION);
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void theServerHasToBeWhoTheSnapshotNames(TlsStack stack) {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      nodes.server.has(TwoNodes.STORE_ID, nodes.authority.issue(THIEF_ID));

      CrossingTest.useUp(nodes.entry);

      assertRefused(nodes.client, Reason.TLS_FAILED);
      assertThat(nodes.client.refusedHandshakes).containsExactly(TlsReason.WRONG_IDENTITY);
      assertThat(nodes.app.accepted).hasValue(0);
    }

    refused("a server with the certificate of another service account", Reason.TLS_FAILED);
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void aCallerOfAnotherAuthorityIsNotBelieved(TlsStack stack) {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      var other = new TestAuthority(TrustDomain.CLUSTER_LOCAL);
      nodes.client.has(
          TwoNodes.BUYER_ID,
          other.issue(TwoNodes.BUYER_ID, nodes.authority.bundle(TrustDomain.CLUSTER_LOCAL)));

      CrossingTest.useUp(nodes.entry);

      assertRefused(nodes.client, Reason.TLS_FAILED);
      Await.until("the server tells", () -> !nodes.server.refusedHandshakes.isEmpty());
      assertThat(nodes.server.refusedHandshakes).containsExactly(TlsReason.UNTRUSTED);
    }

    refused("a caller whose certificate another authority made", Reason.TLS_FAILED);
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void aPodWithoutCertificateFailsClosedOnEitherSide(TlsStack stack) {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      MeshSnapshot others = nodes.snapshot();
      nodes.client.hasNothing();

      CrossingTest.useUp(nodes.entry);

      assertRefused(nodes.client, Reason.NO_CERTIFICATE);
      assertThat(nodes.server.recorder.refused).isEmpty();

      nodes.client.has(TwoNodes.BUYER_ID, nodes.authority.issue(TwoNodes.BUYER_ID));
      nodes.server.hasNothing();
      nodes.publish(others);
      CrossingTest.useUp(nodes.entry);

      Await.until("the client refuses again", () -> nodes.client.recorder.refused.size() == 2);
      assertCutOff(nodes.client.recorder.refused.get(1));
      AccessRecord record = assertRefused(nodes.server, Reason.NO_CERTIFICATE);
      assertThat(record.info().originalDestination()).contains(nodes.hbone());
      assertThat(nodes.app.accepted).hasValue(0);
    }
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void strictRefusesPlaintextThatNothingProves(TlsStack stack) {
    try (var nodes = new TwoNodes(stack, ECHO)) {
      nodes.server.sockets.redirect(TwoNodes.STORE, Direction.INBOUND, nodes.app.address());

      CrossingTest.useUp(nodes.hbone());

      assertRefused(nodes.server, Reason.MTLS_REQUIRED);
      assertThat(nodes.app.accepted).hasValue(0);
    }

    refused("plaintext at a pod of a strict mesh", Reason.MTLS_REQUIRED);
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void sharedConnectionsOfOnePodAreBounded(TlsStack stack) throws Exception {
    HboneSettings.Server usual = HboneSettings.DEFAULTS.server();
    HboneSettings.Server one =
        new HboneSettings.Server(1, usual.maxHandshakes(), usual.maxSilent(), usual.hello());
    try (var nodes =
        new TwoNodes(stack, TestSettings.but(it -> it.hbone = it.hbone.with(one)), ECHO)) {
      try (Socket first = Peers.connect(nodes.entry)) {
        Peers.exchange(first, 'x');
      }

      CrossingTest.useUp(nodes.hbone());

      Await.until("one more is refused", () -> !nodes.server.recorder.refused.isEmpty());
      assertRefused(nodes.server, Reason.CONNECTION_LIMIT);
    }

    refused("handshakes that never end", Reason.CONNECTION_LIMIT);
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void streamsCountAsConnectionsOfThePod(TlsStack stack) throws Exception {
    try (var nodes =
            new TwoNodes(stack, TestSettings.but(it -> it.maxConnectionsPerPod = 1), ECHO);
        Socket first = Peers.connect(nodes.entry)) {
      Peers.exchange(first, 'x');

      CrossingTest.useUp(nodes.entry);

      assertRefused(nodes.client, Reason.CONNECTION_LIMIT);
      assertRefused(nodes.server, Reason.CONNECTION_LIMIT);
      assertThat(nodes.app.accepted).hasValue(1);
    }

    refused("more streams than a pod may have connections", Reason.CONNECTION_LIMIT);
  }

  @Test
  void whatIsNotAnsweredInTimeIsOverOnBothSides() {
    HboneSettings.Times usual = HboneSettings.DEFAULTS.times();
    HboneSettings.Times brief =
        new HboneSettings.Times(
            usual.connect(),
            Duration.ofMillis(200),
            usual.pingAfter(),
            usual.pingTimeout(),
            usual.idle(),
            usual.age());
    ProxySettings settings =
        TestSettings.but(it -> {
          it.hbone = it.hbone.with(brief);
          it.connectTimeout = Duration.ofMinutes(5);
        });
    try (var nodes = new TwoNodes(TlsStack.best(), settings, ECHO)) {
      nodes.server.sockets.usesOpener = true; // which never makes one

      CrossingTest.useUp(nodes.entry);

      assertRefused(nodes.client, Reason.CONNECT_TIMEOUT);
      assertRefused(nodes.server, Reason.CONNECT_TIMEOUT);
      assertThat(nodes.server.proxy.stats().live()).isZero();
    }
  }

  private static MeshSnapshot snapshotWithStoreAt(TwoNodes nodes, List<InetAddress> addresses) {
    return nodes.snapshot(
        TwoNodes.settings(DeniedPeers.NONE), TwoNodes.buyerMayCall(), addresses, List.of());
  }

  private static void refused(String what, Reason reason) {
    Attack.tried("between nodes: " + what)
        .refusedBy("the proxy, connection reset")
        .countedAs("sluice_proxy_connections_refused_total{reason=\"" + reason.label() + "\"}");
  }

  /** Before or after its own connect was done with. */
  private static void assertCutOff(AccessRecord record) {
    assertThat(record.closeReason()).isIn(Reason.TLS_FAILED, Reason.POD_CLOSED);
  }

  private static AccessRecord assertRefused(TestNode node, Reason reason) {
    AccessRecord record = node.recorder.onlyRefused();
    assertThat(record.closeReason()).isEqualTo(reason);
    assertThat(record.verdict().isAllowed()).isFalse();
    return record;
  }
}
