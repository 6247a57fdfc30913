package io.sluice.proxy.accept;

import static io.sluice.proxy.accept.LeftSite.END;
import static io.sluice.proxy.accept.LeftSite.GET;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ReleaseMode;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.accept.LeftSite.Way;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a client leaves ends with all that it rests on, and is in nobody's way: ADR 48. */
@Timeout(60)
class LeftConnectionsEndTest {
  private static final Duration SOON = LeftSite.LONG.dividedBy(2);
  private static final Duration LIFE = Duration.ofSeconds(60);
  private static final int NONE = UpstreamSetting.UNLIMITED;
  private static final String OK = "HTTP/1.1 200 OK\r\n";
  private static final String POST =
      "POST /books HTTP/1.1\r\nHost: store\r\nContent-Length: 0\r\n\r\n";

  private static void leaveOne(LeftSite site) throws IOException {
    assertThat(site.ask()).startsWith(OK);
    assertThat(site.left()).isEqualTo(1);
  }

  /** Before they have waited for so long that they end by themselves. */
  private static void awaitNone(LeftSite site) {
    Await.until("none waits", SOON, () -> site.left() == 0);
    Await.until("nothing is left", SOON, () -> site.node.proxy.stats().live() == 0);
  }

  @ParameterizedTest
  @EnumSource
  void itEndsWithTheSnapshotThatHasLedThere(Way way) throws Exception {
    try (var site = new LeftSite(way)) {
      leaveOne(site);
      site.publish(site.node.proxy.path.snapshot); // in which nothing differs
      awaitNone(site);

      leaveOne(site);
      site.publish(site.granting("GET"));
      awaitNone(site);

      leaveOne(site);
      assertThat(site.carried()).containsExactly(1, 1, 1);
    }
  }

  /** It would be told as if a client had been about to ask. */
  @Test
  void policyThatRefusesItsLikeRefusesNobody() throws Exception {
    try (var site = new LeftSite(Way.PAST_THE_LISTENER)) {
      leaveOne(site);
      site.publish(ProxyFixture.snapshot(false, false, List.of(Peers.V4), List.of(), List.of()));

      awaitNone(site);
      assertThat(site.node.recorder.refused).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void eachRequestIsDecidedThoughItsConnectionStands(Way way) throws Exception {
    try (var site = new LeftSite(way)) {
      site.publish(site.granting("GET"));
      leaveOne(site);

      assertThat(site.ask("DELETE /books HTTP/1.1\r\nHost: store\r\n\r\n", "\r\n\r\n"))
          .startsWith("HTTP/1.1 403 ");

      assertThat(site.carried()).containsExactly(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void itEndsWhereThePodThatCallsGoes(Way way) throws Exception {
    try (var site = new LeftSite(way)) {
      leaveOne(site);

      site.node.proxy.release(site.buyer, ReleaseMode.RESET_ESTABLISHED).join();

      awaitNone(site);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"PAST_THE_LISTENER", "BY_A_SOCKET"})
  void itEndsWhereThePodCalledGoes(Way way) throws Exception {
    for (ReleaseMode mode : ReleaseMode.values()) {
      try (var site = new LeftSite(way)) {
        leaveOne(site);

        site.node.proxy.release(site.store, mode).join();

        awaitNone(site);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void itEndsWhereAnotherProcessTakesOverAndNoneIsLeftThen(Way way) throws Exception {
    try (var site = new LeftSite(way);
        Socket client = Peers.connect(site.entry)) {
      leaveOneBeside(site, client);

      site.node.proxy.leaveListeners();

      Await.until("none waits", SOON, () -> site.left() == 0);
      LeftSite.say(client, GET);
      assertThat(HttpFixture.read(client, END)).contains("Connection: close\r\n");
      client.close();
      awaitNone(site);
    }
  }

  private static void leaveOneBeside(LeftSite site, Socket standing) throws IOException {
    LeftSite.say(standing, GET);
    assertThat(HttpFixture.read(standing, END)).startsWith(OK);
    try (Socket client = Peers.connect(site.entry)) {
      LeftSite.say(client, GET);
      assertThat(HttpFixture.read(client, END)).startsWith(OK);
    }
    Await.until("one waits", () -> site.left() == 1);
  }

  @Test
  void itIsNotUsedOnceThePodProvesItselfByOtherCertificates() throws Exception {
    try (var site = new LeftSite(Way.BETWEEN_NODES)) {
      leaveOne(site);
      site.node.has(TwoNodes.BUYER_ID, site.authority().issue(TwoNodes.BUYER_ID));

      assertThat(site.ask()).startsWith(OK);

      assertThat(site.carried()).containsExactly(1, 1);
    }
  }

  @Test
  void peersThatAreLookedAtAgainHaveNoneOfThem() throws Exception {
    try (var site = new LeftSite(Way.BETWEEN_NODES)) {
      leaveOne(site);

      site.node.proxy.recheck();

      awaitNone(site);
    }
  }

  @Test
  void anotherPodOfTheNodeDoesNotGoByIt() throws Exception {
    try (var site = new LeftSite(Way.BETWEEN_NODES)) {
      leaveOne(site);
      InetSocketAddress clerks =
          site.node.serve(
              TwoNodes.CLERK,
              Direction.OUTBOUND,
              new InetSocketAddress(Peers.V4, 0),
              site.app.address());
      leaveOne(site); // as the pod that came has ended what was left

      try (Socket client = Peers.connect(clerks)) {
        LeftSite.say(client, GET);
        assertThat(HttpFixture.read(client, END)).startsWith(OK);
      }

      assertThat(site.carried()).containsExactly(1, 1, 1);
      Await.until("each pod has its own", () -> site.left() == 2);
    }
  }

  /** Else whoever is new would be asked less, and whoever was asked once always. */
  @ParameterizedTest
  @EnumSource
  void anEndpointIsNotChosenForWhatIsLeftThere(Way way) throws Exception {
    Set<Integer> asked = ConcurrentHashMap.newKeySet();
    try (var site = new LeftSite(way).byService();
        var other =
            new Peers.Server(
                site.app.address().getAddress(),
                socket -> {
                  HttpFixture.answerEach(
                      socket,
                      new HttpFixture.Received(),
                      () -> {
                        asked.add(socket.getLocalPort());
                        HttpFixture.answerOnce(socket);
                        return true;
                      });
                })) {
      List<InetSocketAddress> both = List.of(site.app.address(), other.address());
      site.publish(site.granting(both, "GET"));

      for (int i = 0; i < 60; i++) {
        assertThat(site.ask()).startsWith(OK);
      }

      // By chance alone, all go one way once in 2^59 runs.
      assertThat(asked).isNotEmpty();
      assertThat(site.received).as("one for each endpoint at most").hasSize(1);
      assertThat(site.left()).isEqualTo(2);
    }
  }

  /** What was left leads to nobody; the request goes on as that of any new connection. */
  @ParameterizedTest
  @EnumSource
  void whereItsApplicationIsGoneTheRequestGoesToAnotherEndpoint(Way way) throws Exception {
    List<Socket> sockets = new ArrayList<>();
    try (var site = new LeftSite(way).byService()) {
      Peers.Server going =
          new Peers.Server(
              site.app.address().getAddress(),
              socket -> {
                synchronized (sockets) {
                  sockets.add(socket);
                }
                HttpFixture.answerEach(socket, new HttpFixture.Received());
              });
      site.publish(site.granting(List.of(going.address(), site.app.address()), "GET"));
      Await.until(
          "both have been asked",
          () -> {
            assertThat(site.ask()).startsWith(OK);
            return site.left() == 2;
          });
      going.close();
      synchronized (sockets) {
        for (Socket socket : sockets) {
          socket.close();
        }
      }

      for (int i = 0; i < 20; i++) {
        assertThat(site.ask()).as("request %s", i).startsWith(OK);
      }
      assertThat(site.node.recorder.requests)
          .filteredOn(one -> one.info().direction() == Direction.OUTBOUND)
          .allMatch(one -> one.end() == RequestRecord.End.WHOLE);
    }
  }

  private static void limit(LeftSite site, Pool pool) {
    SnapshotEditor editor = site.granting("GET", "POST").edit();
    editor.put(
        new UpstreamSetting(
            ProxyFixture.STORE, new NamespacedName("shop", "limits"), pool, null, Limits.NONE));
    site.publish(editor.snapshot(9));
  }

  /** Which another request may neither wait for nor ask for back. */
  @ParameterizedTest
  @EnumSource
  void nothingThatIsLeftTakesAPlaceWhereTheirNumberIsLimited(Way way) throws Exception {
    try (var site = new LeftSite(way).byService()) {
      limit(site, new Pool(1, Duration.ofSeconds(5), NONE, NONE, 1, NONE));
      for (int i = 0; i < 3; i++) {
        assertThat(site.ask(i == 1 ? POST : GET)).startsWith(OK);
        assertThat(site.left()).isZero();
      }
      assertThat(site.carried()).containsExactly(1, 1, 1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void itCarriesAsManyRequestsAsAConnectionMay(Way way) throws Exception {
    try (var site = new LeftSite(way).byService()) {
      limit(site, new Pool(NONE, Duration.ofSeconds(5), 8, 2, NONE, NONE));
      for (int i = 0; i < 4; i++) {
        assertThat(site.ask()).startsWith(OK);
        assertThat(site.left()).isEqualTo((i + 1) % 2);
      }
      assertThat(site.carried()).containsExactly(2, 2);
    }
  }

  /** The limit of a service holds for what is left too, as it is the same connection. */
  @ParameterizedTest
  @EnumSource
  void whatIsSentAgainOnlySoOftenGoesByAConnectionOfItsOwn(Way way) throws Exception {
    try (var site = new LeftSite(way).byService()) {
      limit(site, new Pool(NONE, Duration.ofSeconds(5), NONE, NONE, NONE, 1));
      leaveOne(site);
      assertThat(site.ask()).startsWith(OK);
      assertThat(site.carried()).containsExactly(1, 1);
    }
  }

  @Test
  void onALoopNoMoreThanSixtyFourWait() throws Exception {
    try (var site = new LeftSite(Way.BY_A_SOCKET)) {
      SnapshotEditor editor = site.granting("GET").edit();
      var buyer = site.granting("GET").workload(site.buyer).orElseThrow();
      List<InetSocketAddress> entries = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        NamespacedName pod = new NamespacedName("shop", "buyer-" + i);
        editor.put(TwoNodes.workload(pod, buyer.identity(), List.of()));
        entries.add(
            site.node.serve(
                pod, Direction.OUTBOUND, new InetSocketAddress(Peers.V4, 0), site.app.address()));
      }
      site.publish(editor.snapshot(9));
      List<Socket> clients = new ArrayList<>();
      for (InetSocketAddress entry : entries) {
        for (int i = 0; i < 16; i++) {
          Socket client = Peers.connect(entry);
          clients.add(client);
          LeftSite.say(client, GET);
          assertThat(HttpFixture.read(client, END)).startsWith(OK);
        }
      }
      for (Socket client : clients) {
        client.close();
      }
      Await.until("clients are gone", () -> site.node.proxy.stats().live() == 0);

      assertThat(site.left()).isEqualTo(64);
    }
  }

  /** It has less than the time left for which it might wait. */
  @Tag("long")
  @Test
  void whatIsOldIsNotLeft() throws Exception {
    try (var site = new LeftSite(Way.PAST_THE_LISTENER);
        Socket client = Peers.connect(site.entry)) {
      LeftSite.say(client, GET);
      assertThat(HttpFixture.read(client, END)).startsWith(OK);
      long old = System.nanoTime() + LIFE.minus(LeftSite.LONG).plusSeconds(1).toNanos();
      Await.until("it is old", LIFE, () -> System.nanoTime() - old > 0);
      client.close();
      site.awaitEnd();

      assertThat(site.left()).isZero();
    }
  }

  @Test
  void noneIsLeftWhereNoTimeIsSaidForIt() throws Exception {
    try (var site = new LeftSite(Way.PAST_THE_LISTENER, Duration.ZERO, HttpFixture::answerEach)) {
      assertThat(site.ask()).startsWith(OK);
      awaitNone(site);
    }
  }
}
