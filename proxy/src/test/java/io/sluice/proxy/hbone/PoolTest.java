package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.AtLoad;
import io.sluice.await.Await;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.proxy.Peers;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.TlsStack;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How connections are shared, and how they go. */
@Timeout(60)
class PoolTest {
  /**
   * Between a client's conversations: the end of each keeps a port of loopback for a minute, and as
   * fast as they can, clients take all of them from other tests.
   */
  private static final Duration PACE = Duration.ofMillis(50);

  private static final HboneSettings.Times USUAL = HboneSettings.DEFAULTS.times();

  private static HboneSettings.Times times(
      Duration pingAfter, Duration pingTimeout, Duration idle, Duration age) {
    return new HboneSettings.Times(
        USUAL.connect(), USUAL.answer(), pingAfter, pingTimeout, idle, age);
  }

  /** One byte there and back. */
  private static void converse(Socket client) throws IOException {
    Peers.exchange(client, 42);
  }

  private static void converseOnce(HboneFixture fixture) throws IOException {
    try (Socket client = Peers.connect(fixture.entry)) {
      converse(client);
      client.shutdownOutput();
      assertThat(client.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void makesOneConnectionForManyStreamsAtOnce() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), HboneSettings.DEFAULTS, app.address())) {
      List<Socket> clients = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        clients.add(Peers.connect(fixture.entry));
      }
      for (Socket client : clients) {
        converse(client);
      }

      assertThat(fixture.socketsMade).hasValue(1);
      for (Socket client : clients) {
        client.close();
      }
    }
  }

  @Test
  void opensAnotherConnectionOnceStreamsAreFullAndNotMoreThanAllowed() throws Exception {
    HboneSettings few = HboneSettings.DEFAULTS.with(new HboneSettings.Pool(2, 2, 8));
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), few, app.address())) {
      List<Socket> clients = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Socket client = Peers.connect(fixture.entry);
        clients.add(client);
        converse(client);
      }
      Socket waiting = Peers.connect(fixture.entry);
      waiting.getOutputStream().write(42);
      clients.removeFirst().close();

      assertThat(waiting.getInputStream().read()).isEqualTo(42);
      assertThat(fixture.socketsMade).hasValue(2);
      waiting.close();
      for (Socket client : clients) {
        client.close();
      }
    }
  }

  @Test
  void refusesStreamsBeyondThoseThatMayWait() throws Exception {
    HboneSettings few = HboneSettings.DEFAULTS.with(new HboneSettings.Pool(1, 1, 1));
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), few, app.address());
        Socket first = Peers.connect(fixture.entry)) {
      converse(first);
      try (Socket waiting = Peers.connect(fixture.entry);
          SocketChannel refused = SocketChannel.open()) {
        // Its reset may come before a blocking connect would have returned, which then throws.
        refused.configureBlocking(false);
        refused.connect(fixture.entry);
        Await.until("a refusal", () -> !fixture.failures.isEmpty());

        assertThat(fixture.failures)
            .singleElement()
            .extracting(OpenFailure::kind)
            .isEqualTo(OpenFailure.Kind.LIMIT);
        assertThat(waiting.isConnected()).isTrue();
      }
    }
  }

  @Test
  void noticesAPeerThatStandsStill() throws Exception {
    HboneSettings watchful =
        HboneSettings.DEFAULTS.with(
            times(Duration.ofMillis(400), Duration.ofMillis(400), USUAL.idle(), USUAL.age()));
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), watchful, app.address());
        var wire = new Wire(fixture.exit)) {
      fixture.gateway = wire.address();
      try (Socket client = Peers.connect(fixture.entry)) {
        converse(client);
        wire.stall();
        long begin = System.nanoTime();
        Await.until(
            "both sides to notice",
            () ->
                fixture.clientEvents.ends.contains(ConnectionEnd.DEAD_PEER)
                    && fixture.serverEvents.ends.contains(ConnectionEnd.DEAD_PEER)
                    && !fixture.clientEnds.isEmpty()
                    && !fixture.serverEnds.isEmpty());

        assertThat(Duration.ofNanos(System.nanoTime() - begin))
            .isLessThan(AtLoad.limit(Duration.ofSeconds(3)));
        assertThat(fixture.clientEnds)
            .containsExactly(new HboneFixture.Ended(false, ChannelEnd.CONNECTION_LOST));
        assertThat(fixture.serverEnds)
            .containsExactly(new HboneFixture.Ended(false, ChannelEnd.CONNECTION_LOST));
        assertThat(fixture.connections()).isZero();
      }
      wire.resume();
      converseOnce(fixture);
    }
  }

  @Test
  void keepsAQuietConnectionThatAnswers() throws Exception {
    HboneSettings watchful =
        HboneSettings.DEFAULTS.with(
            times(Duration.ofMillis(50), Duration.ofMillis(500), USUAL.idle(), USUAL.age()));
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), watchful, app.address());
        var wire = new Wire(fixture.exit)) {
      fixture.gateway = wire.address();
      try (Socket client = Peers.connect(fixture.entry)) {
        converse(client);
        long before = wire.bytes();
        Await.until("several pings", () -> wire.bytes() > before + 20 * 39);
        converse(client);
      }
      assertThat(fixture.socketsMade).hasValue(1);
      assertThat(fixture.clientEvents.ends).isEmpty();
    }
  }

  @Test
  void closesConnectionsWithoutStreamsAfterAWhile() throws Exception {
    HboneSettings tidy =
        HboneSettings.DEFAULTS.with(
            times(
                Duration.ofMillis(100), USUAL.pingTimeout(), Duration.ofMillis(300), USUAL.age()));
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), tidy, app.address())) {
      converseOnce(fixture);
      Await.until("it to be closed", () -> fixture.connections() == 0);
      Await.until("the server to see it", () -> fixture.server.connections() == 0);

      converseOnce(fixture);
      assertThat(fixture.socketsMade).hasValue(2);
    }
  }

  @Test
  void oldConnectionsFinishTheirStreamsAndTakeNoNewOnes() throws Exception {
    HboneSettings ageing =
        HboneSettings.DEFAULTS.with(
            times(
                Duration.ofMillis(100), USUAL.pingTimeout(), USUAL.idle(), Duration.ofMillis(400)));
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), ageing, app.address());
        Socket old = Peers.connect(fixture.entry)) {
      converse(old);
      Await.until(
          "a second connection",
          () -> {
            try {
              converseOnce(fixture);
            } catch (IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
            return fixture.socketsMade.get() > 1;
          });
      converse(old);

      assertThat(fixture.failures).isEmpty();
    }
  }

  @Test
  void drainingServerLetsStreamsFinish() throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), HboneSettings.DEFAULTS, app.address())) {
      Socket client = Peers.connect(fixture.entry);
      converse(client);
      var drained = fixture.server.drain(Duration.ofSeconds(30));
      converse(client);
      assertThat(drained).isNotDone();
      client.shutdownOutput();
      assertThat(client.getInputStream().read()).isEqualTo(-1);
      client.close();

      drained.get(10, TimeUnit.SECONDS);
      Await.until(
          "both ends told",
          () -> !fixture.clientEnds.isEmpty() && !fixture.serverEvents.ends.isEmpty());
      assertThat(fixture.clientEnds).containsExactly(HboneFixture.Ended.FINISHED);
      assertThat(fixture.serverEvents.ends).containsExactly(ConnectionEnd.DRAINED);
      Await.until("the client to know", () -> !fixture.clientEvents.ends.isEmpty());
      assertThat(fixture.clientEvents.ends).containsExactly(ConnectionEnd.PEER_GOAWAY);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void deniedPeersLoseTheirLiveConnectionsWithinASecond(TlsStack stack) throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address());
        Socket client = Peers.connect(fixture.entry)) {
      converse(client);
      fixture.denied = peer -> peer.identity().equals(HboneFixture.BUYER);
      fixture.server.recheck();
      Await.until(
          "the cut",
          Duration.ofSeconds(1),
          () -> !fixture.clientEnds.isEmpty() && !fixture.serverEvents.ends.isEmpty());

      assertThat(fixture.serverEvents.ends).containsExactly(ConnectionEnd.DENIED);
      try (Socket again = Peers.connect(fixture.entry)) {
        Await.until("the refusal", () -> !fixture.failures.isEmpty());
      }
      assertThat(fixture.serverEvents.refusals).contains(TlsReason.DENIED);
      assertThat(fixture.clientEvents.refusals).contains(TlsReason.REFUSED_BY_PEER);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void neverSpeaksToAnotherIdentityThanTheExpected(TlsStack stack) throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address())) {
      fixture.expected = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "till");
      try (Socket client = Peers.connect(fixture.entry)) {
        Await.until("the refusal", () -> !fixture.failures.isEmpty());
      }

      assertThat(fixture.clientEvents.refusals).contains(TlsReason.WRONG_IDENTITY);
      assertThat(fixture.requests).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void rotationOfCertificatesRootsAndTrustDomainFailsNoStream(TlsStack stack) throws Exception {
    HboneSettings ageing =
        HboneSettings.DEFAULTS.with(
            times(
                Duration.ofMillis(50), USUAL.pingTimeout(), USUAL.idle(), Duration.ofMillis(150)));
    var successor = new TestAuthority(TrustDomain.CLUSTER_LOCAL);
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(stack, ageing, app.address())) {
      var stop = new AtomicBoolean();
      var done = new AtomicIntegerArray(8);
      var failed = new ConcurrentLinkedQueue<Throwable>();
      List<Thread> clients = new ArrayList<>();
      for (int i = 0; i < done.length(); i++) {
        int client = i;
        clients.add(
            Thread.ofVirtual()
                .start(() -> {
                  while (!stop.get()) {
                    try {
                      converseOnce(fixture);
                      done.incrementAndGet(client);
                      LockSupport.parkNanos(PACE.toNanos());
                    } catch (IOException | AssertionError e) {
                      failed.add(e);
                    }
                  }
                }));
      }
      // Distribute the new root, use it, forget the old one; each end by itself.
      var both =
          TestAuthority.bundle(
              List.of(TrustDomain.CLUSTER_LOCAL), fixture.authority.root, successor.root);
      // The same with a trust domain, below the root that came last.
      var next = new TrustDomain("site-7.example");
      var twoDomains =
          TestAuthority.bundle(List.of(TrustDomain.CLUSTER_LOCAL, next), successor.root);
      List<Runnable> steps =
          List.of(
              () -> fixture.stores.set(fixture.authority.issue(HboneFixture.STORE, both)),
              () -> fixture.buyers.set(fixture.authority.issue(HboneFixture.BUYER, both)),
              () -> fixture.stores.set(successor.issue(HboneFixture.STORE, both)),
              () -> fixture.buyers.set(successor.issue(HboneFixture.BUYER, both)),
              () -> fixture.stores.set(successor.issue(HboneFixture.STORE)),
              () -> fixture.buyers.set(successor.issue(HboneFixture.BUYER)),
              () -> fixture.stores.set(successor.issue(HboneFixture.STORE, twoDomains)),
              () -> fixture.buyers.set(successor.issue(HboneFixture.BUYER, twoDomains)),
              () -> fixture.stores.set(successor.issue(HboneFixture.STORE.in(next), twoDomains)),
              () -> fixture.buyers.set(successor.issue(HboneFixture.BUYER.in(next), twoDomains)),
              () -> fixture.stores.set(successor.issue(HboneFixture.STORE.in(next))),
              () -> fixture.buyers.set(successor.issue(HboneFixture.BUYER.in(next))));
      for (Runnable step : steps) {
        int handshakes = fixture.clientEvents.opened.get();
        step.run();
        // Each client ends what it had begun: no handshake of an earlier step is still on its way.
        int[] before = IntStream.range(0, done.length()).map(done::get).toArray();
        Await.until(
            "new connections, and each client's second stream",
            () ->
                !failed.isEmpty()
                    || (fixture.clientEvents.opened.get() >= handshakes + 3
                        && fixture.serverEvents.opened.get() >= handshakes + 3 // it is done later
                        && IntStream.range(0, before.length)
                            .allMatch(i -> done.get(i) >= before[i] + 2)));
      }
      stop.set(true);
      for (Thread client : clients) {
        client.join();
      }

      assertThat(failed).isEmpty();
      assertThat(fixture.failures).isEmpty();

      // A certificate of the former trust domain, valid and below the same root, is no one's now.
      fixture.buyers.set(successor.issue(HboneFixture.BUYER, twoDomains));
      Await.until(
          "the refusal",
          () -> {
            try (Socket client = Peers.connect(fixture.entry)) {
              return !fixture.serverEvents.refusals.isEmpty();
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      assertThat(fixture.serverEvents.refusals).contains(TlsReason.FOREIGN_TRUST_DOMAIN);
    }
  }
}
