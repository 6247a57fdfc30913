package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.proxy.Peers;
import io.sluice.proxy.http2.Flood;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.RawClient.Frame;
import io.sluice.proxy.http2.ReceiveWindows;
import io.sluice.proxy.limits.Share;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.TlsStack;
import io.sluice.proxy.tls.TrustBundles;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every limit, against a peer with a good certificate and bad intentions. */
@Timeout(60)
class AttackTest {
  private static final HboneSettings SETTINGS =
      HboneSettings.DEFAULTS.with(new HboneSettings.Limits(8, 8 * 1_024, 16, 100, 200));

  private interface Deed {
    void done(RawClient client, HboneFixture fixture) throws Exception;
  }

  private static void against(HboneSettings settings, Deed deed) throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), settings, app.address());
        var client =
            new RawClient(
                fixture.exit,
                fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER)))) {
      client.settle();
      deed.done(client, fixture);
    }
  }

  static List<Flood> floods() {
    return Flood.of(RawClient.connectTo(new InetSocketAddress(Peers.V4, 80)));
  }

  @Tag("attack")
  @ParameterizedTest(name = "{0}")
  @MethodSource("floods")
  void stopsFloods(Flood flood) throws Exception {
    against(
        SETTINGS.with(patient()),
        (client, fixture) -> {
          fixture.policy = exchange -> {}; // never answers
          client.send(
              RawClient.HEADERS, RawClient.END_HEADERS, 1, RawClient.connectTo(fixture.app));
          client.flood(flood.frames());

          assertThat(client.next(RawClient.GOAWAY).error()).isEqualTo(RawClient.ENHANCE_YOUR_CALM);
          assertEnded(client, fixture, ConnectionEnd.FLOOD);
        });
    refused(flood.name(), ConnectionEnd.FLOOD);
  }

  @Test
  void refusesHeadersThatAreTooLongOrTooMany() throws Exception {
    against(
        SETTINGS,
        (client, fixture) -> {
          String[] fields = new String[4 + 2 * 40];
          fields[0] = ":method";
          fields[1] = "CONNECT";
          fields[2] = ":authority";
          fields[3] = "127.0.0.1:80";
          for (int i = 4; i < fields.length; i += 2) {
            fields[i] = "x" + i;
            fields[i + 1] = "y";
          }
          client.send(RawClient.HEADERS, RawClient.END_HEADERS, 1, RawClient.headers(fields));
          Frame many = client.next(RawClient.HEADERS);
          client.send(
              RawClient.HEADERS,
              RawClient.END_HEADERS,
              3,
              RawClient.headers(
                  ":method", "CONNECT", ":authority", "127.0.0.1:80", "x", "y".repeat(9_000)));
          Frame big = client.next(RawClient.HEADERS);

          assertThat(many.stream()).isEqualTo(1);
          assertThat(big.stream()).isEqualTo(3);
          assertThat(fixture.requests).isEmpty();
        });
  }

  @Test
  void refusesStreamsBeyondTheLimitWhateverThePeerAcknowledged() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), SETTINGS, app.address());
        var client =
            new RawClient(
                fixture.exit,
                fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER)))) {
      // No acknowledgement of the settings, so HTTP/2 binds the client to nothing yet.
      int allowed = SETTINGS.limits().maxStreams();
      for (int i = 0; i <= allowed; i++) {
        client.send(
            RawClient.HEADERS, RawClient.END_HEADERS, 2 * i + 1, RawClient.connectTo(fixture.app));
      }
      Frame refused = client.next(RawClient.RST_STREAM);

      assertThat(refused.stream()).isEqualTo(2 * allowed + 1);
      assertThat(refused.error()).isEqualTo(7); // REFUSED_STREAM
    }
  }

  @Tag("attack")
  @Test
  void endsConnectionsWhosePeerNeverSettles() throws Exception {
    HboneSettings.Times usual = SETTINGS.times();
    HboneSettings impatient =
        SETTINGS.with(
            new HboneSettings.Times(
                Duration.ofMillis(300),
                usual.answer(),
                Duration.ofMillis(200),
                usual.pingTimeout(),
                usual.idle(),
                usual.age()));
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), impatient, app.address());
        var client =
            new RawClient(
                fixture.exit,
                fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER)))) {
      assertEnded(client, fixture, ConnectionEnd.SETTINGS_TIMEOUT);
    }

    refused("a peer that never acknowledges SETTINGS", ConnectionEnd.SETTINGS_TIMEOUT);
  }

  @Test
  void endsRequestsThatAreNotAnswered() throws Exception {
    HboneSettings.Times usual = SETTINGS.times();
    against(
        SETTINGS.with(
            new HboneSettings.Times(
                usual.connect(),
                Duration.ofMillis(200),
                usual.pingAfter(),
                usual.pingTimeout(),
                usual.idle(),
                usual.age())),
        (client, fixture) -> {
          fixture.policy = exchange -> {};
          client.send(
              RawClient.HEADERS, RawClient.END_HEADERS, 3, RawClient.connectTo(fixture.app));
          Frame unanswered = client.next(RawClient.HEADERS);

          assertThat(unanswered.stream()).isEqualTo(3);
        });
  }

  /** Four bytes per frame: what waits is bounded by the window, not by a buffer for each byte. */
  @Test
  void holdsNoMoreThanTheWindowForAReaderThatStands() throws Exception {
    int window = ReceiveWindows.FIRST_OF_STREAM;
    against(
        SETTINGS.with(new HboneSettings.Flow(65_535, 4 * 65_535, 16 * 1_024)).with(patient()),
        (client, fixture) -> {
          fixture.policy = exchange -> {};
          client.send(
              RawClient.HEADERS, RawClient.END_HEADERS, 1, RawClient.connectTo(fixture.app));
          client.flood(
              Flood.many(window / 4, i -> RawClient.frame(RawClient.DATA, 0, 1, new byte[4])));
          client.send(RawClient.PING, 0, 0, new byte[8]);
          client.next(RawClient.PING);
          long held = fixture.pinnedBytes();
          client.send(RawClient.DATA, 0, 1, new byte[1]);
          Frame over = client.next(RawClient.RST_STREAM);

          assertThat(held).isLessThan(3L * window);
          assertThat(over.error()).isEqualTo(3); // FLOW_CONTROL_ERROR
        });
  }

  /** However long a slow machine looks at the frames, the request is not answered meanwhile. */
  private static HboneSettings.Times patient() {
    HboneSettings.Times usual = SETTINGS.times();
    return new HboneSettings.Times(
        usual.connect(),
        Duration.ofMinutes(1),
        usual.pingAfter(),
        Duration.ofMinutes(1),
        usual.idle(),
        usual.age());
  }

  @Test
  void answersWhatIsNoTunnelWithItsStatus() throws Exception {
    List<byte[]> requests = new ArrayList<>();
    requests.add(
        RawClient.headers(
            ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "127.0.0.1:80"));
    requests.add(RawClient.headers(":method", "CONNECT", ":authority", "store.shop:80"));
    requests.add(RawClient.headers(":method", "CONNECT", ":authority", "127.0.0.1:99999"));
    requests.add(RawClient.headers(":method", "CONNECT", ":authority", "fd00::1:80"));
    against(
        SETTINGS,
        (client, fixture) -> {
          List<String> answers = new ArrayList<>();
          for (int i = 0; i < requests.size(); i++) {
            client.send(RawClient.HEADERS, RawClient.END_HEADERS, 2 * i + 1, requests.get(i));
            byte[] answer = client.next(RawClient.HEADERS).payload();
            // Statuses outside HPACK's static table come as a literal with an indexed name.
            answers.add(answer[0] == (byte) 0x8c ? "400" : "other");
          }

          assertThat(answers).containsExactly("other", "400", "400", "400");
          assertThat(fixture.requests).isEmpty();
        });
  }

  private static final int ROOM = 16;
  private static final TrustDomain OTHER = new TrustDomain("partner.example");
  private static final TestAuthority PARTNER = new TestAuthority(OTHER);

  private static HboneFixture narrowServerThatBelievesTwoMeshes(Peers.Server app) {
    var limits = new HboneSettings.Server(ROOM, ROOM, ROOM, Duration.ofMinutes(1));
    var fixture = new HboneFixture(TlsStack.best(), SETTINGS.with(limits), app.address());
    TrustDomain own = HboneFixture.STORE.trustDomain();
    fixture.stores.set(
        fixture.authority.issue(
            HboneFixture.STORE,
            new TrustBundles(
                Map.of(own, List.of(fixture.authority.root), OTHER, List.of(PARTNER.root)),
                Set.of(own))));
    return fixture;
  }

  /** A client of another mesh, which is served or refused by now. */
  private static RawClient foreigner(HboneFixture fixture, int number) throws Exception {
    EventRecorder events = fixture.serverEvents;
    int before = events.opened.get() + events.refusals.size();
    SpiffeId made = new SpiffeId(OTHER, "shop", "made-" + number);
    var client = new RawClient(fixture.exit, PARTNER.present(TestAuthority.Leaf.of(made)));
    Await.until("it is in or refused", () -> events.opened.get() + events.refusals.size() > before);
    return client;
  }

  private static void assertTheOwnBuyerIsServed(HboneFixture fixture) throws Exception {
    var chain = fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER));
    try (var buyer = new RawClient(fixture.exit, chain)) {
      buyer.settle();
    }
    assertThat(fixture.serverEvents.peers)
        .extracting(VerifiedPeer::identity)
        .contains(HboneFixture.BUYER);
    assertThat(fixture.serverEvents.refusals).isNotEmpty().containsOnly(TlsReason.SOURCE_LIMIT);
  }

  /** The owner of another mesh's root makes as many identities as he likes. */
  @Tag("attack")
  @Test
  void identitiesOfAnotherMeshTogetherLeaveRoomForThisOnes() throws Exception {
    List<RawClient> greedy = new ArrayList<>();
    try (var app = Peers.echo(Peers.V4);
        var fixture = narrowServerThatBelievesTwoMeshes(app)) {
      for (int i = 0; i < ROOM; i++) {
        greedy.add(foreigner(fixture, i));
      }

      assertTheOwnBuyerIsServed(fixture);
      for (RawClient one : greedy) {
        one.close();
      }
      Await.until("nobody is left", () -> fixture.server.connections() == 0);
      assertThat(fixture.node.connections()).isZero();
    }
    Attack.tried("another mesh takes every connection of a pod, each by another identity")
        .refusedBy("the serving proxy: all of that trust domain have one share")
        .countedAs("sluice_tls_handshakes_total{reason=\"source_limit\"}");
  }

  @Tag("attack")
  @Test
  void aMeshThatHoldsItsShareAtOtherPodsOfTheNodeLeavesRoomAtThisOne() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = narrowServerThatBelievesTwoMeshes(app)) {
      int held = 0;
      while (fixture.node.connections.take(OTHER) == Share.Answer.TAKEN) {
        held++; // at pods that are not there in this test
      }
      assertThat(held).isGreaterThan(ROOM);

      foreigner(fixture, 1).close();

      assertTheOwnBuyerIsServed(fixture);
      for (; held > 0; held--) {
        fixture.node.connections.leave(OTHER);
      }
    }
    Attack.tried("another mesh takes the connections of a node, at pod after pod")
        .refusedBy("the serving proxy: that trust domain has one share of the node")
        .countedAs("sluice_tls_handshakes_total{reason=\"source_limit\"}");
  }

  private static void refused(String what, ConnectionEnd end) {
    Attack.tried("HTTP/2 of an authenticated peer: " + what)
        .refusedBy("the serving proxy, connection ended")
        .countedAs(
            "sluice_hbone_connections_closed_total{side=\"server\",reason=\""
                + end.label()
                + "\"}");
  }

  private static void assertEnded(RawClient client, HboneFixture fixture, ConnectionEnd end)
      throws Exception {
    assertThat(client.isCutOff()).isTrue();
    Await.until("the end to be told", () -> !fixture.serverEvents.ends.isEmpty());
    assertThat(fixture.serverEvents.ends).containsExactly(end);
  }
}
