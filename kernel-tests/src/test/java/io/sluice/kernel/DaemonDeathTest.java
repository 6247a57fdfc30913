package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A daemon that is killed, started again, or stopped: the mesh fails closed and comes back. */
@Tag("kernel")
class DaemonDeathTest {
  /** One second on an idle machine, as packaged; in processor time where that is less. */
  private static final Duration RESTART_LIMIT =
      JavaCommand.isPackaged() ? Duration.ofMillis(2_500) : Duration.ofSeconds(5);

  private static final int RESTARTS = 3;

  /** Descriptors more that two daemons in the same state may differ by; under one a restart. */
  private static final int DESCRIPTOR_TOLERANCE = RESTARTS - 1;

  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.open(Mechanism.EBPF);
  }

  @BeforeEach
  void startDaemon() {
    shop.reviveDaemon();
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void aKilledDaemonRefusesNewConnectionsBothWays(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
      assertThat(Attempt.from(shop.buyer, shop.service(family), "hi").answered()).isTrue();

      shop.daemon().kill();

      Attempt outbound = Attempt.from(shop.buyer, shop.service(family), "hi");
      Attempt inbound = Attempt.from(shop.stranger, shop.store.at(family, server.port()), "hi");
      assertThat(outbound.wasConnectionRefused()).as("%s", outbound).isTrue();
      assertThat(inbound.wasConnectionRefused()).as("%s", inbound).isTrue();
      assertThat(server.accepted()).hasSize(1);
      assertThat(shop.view().counted(shop.buyer, "outbound", "refused", "proxy_unavailable"))
          .isPositive();
      assertThat(shop.view().counted(shop.store, "inbound", "refused", "proxy_unavailable"))
          .isPositive();
    }

    Attack.tried("new connections out of and into a pod whose daemon was killed, " + family)
        .refusedBy("cgroup/connect and sk_lookup, pinned")
        .countedAs("sluice_interception_refused_total{reason=\"proxy_unavailable\"}");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatDoesNotRunThroughTheDaemonLivesOnThroughItsDeath(Family family) {
    try (TcpServer server = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
      InetSocketAddress destination = shop.stranger.at(family, server.port());
      shop.configure(false, false, Map.of("outboundPortExclusionList", "[" + server.port() + "]"));
      Await.until(
          "the port is excluded", () -> Attempt.from(shop.thief, destination, "x").answered());
      try (Talk established = Talk.begin(shop.thief, destination)) {
        shop.daemon().kill();

        assertThat(established.isAlive()).isTrue();
        assertThat(Attempt.from(shop.thief, destination, "new").answered()).isTrue();
        shop.daemon().start();
        assertThat(established.isAlive()).isTrue();
      }
    } finally {
      shop.configureAsAtFirst();
    }
  }

  @Test
  void theMapsOfADeadDaemonAreReadFromTheirPins() {
    shop.daemon().kill();

    String dump =
        JavaCommand.run(
            "node", "maps", "dump", "pods", "--node-name", shop.site.prefix(), "-o", "json");

    assertThat(dump).contains("shop/buyer", "shop/store", "shop/thief", "10.77.0.2");
    assertThat(shop.view().dump("liveness").getFirst()).containsEntry("daemon", "dead");
  }

  @Test
  void aRestartedDaemonAdoptsItsPinsAndEnforcesSoon() {
    Map<String, Integer> maps = shop.view().mapIds();
    List<String> pins = pins();
    try (TcpServer server = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT)) {
      assertThat(Attempt.from(shop.buyer, shop.service(Family.IPV4), "hi").answered()).isTrue();
      assertThat(Attempt.from(shop.thief, shop.service(Family.IPV4), "hi").wasReset()).isTrue();
      int descriptors = shop.daemon().descriptors();
      for (int restart = 0; restart < RESTARTS; restart++) {
        long begin = System.nanoTime();
        shop.daemon().kill();
        shop.daemon().start();

        Attempt attempt = Attempt.from(shop.buyer, shop.service(Family.IPV4), "hi");
        long millis = Duration.ofNanos(System.nanoTime() - begin).toMillis();
        assertThat(attempt.answer()).as("%s", attempt).isEqualTo("hi");
        assertThat(Attempt.from(shop.thief, shop.service(Family.IPV4), "hi").wasReset()).isTrue();
        System.out.println(
            "restart to enforcing: "
                + shop.daemon().lastStart().toMillis()
                + " ms, by its own clock "
                + shop.view().status().path("startToReadyMillis")
                + " ms; from the kill to an answer "
                + millis
                + " ms; "
                + shop.daemon().lastLogLine("node_ready"));
        assertThat(shop.daemon().lastStart()).isLessThan(RESTART_LIMIT);
      }
      assertThat(server.accepted()).hasSize(1 + RESTARTS);
      Await.until(
          "no descriptor more than before the restarts, " + descriptors,
          () -> shop.daemon().descriptors() <= descriptors + DESCRIPTOR_TOLERANCE);
    }
    assertThat(shop.view().mapIds()).as("the same maps").isEqualTo(maps);
    assertThat(pins()).as("the same pins").isEqualTo(pins);
    assertThat(shop.view().dump("proxy_cgroups")).hasSize(1);
  }

  private static List<String> pins() {
    try (Stream<Path> walk = Files.walk(shop.view().pins().path())) {
      return walk.map(Path::toString).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aStoppedDaemonLetsEstablishedTransfersFinishAndRefusesNewOnes(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
        Talk established = Talk.begin(shop.buyer, shop.service(family))) {
      assertThat(established.exchange("before")).isEqualTo("before");

      shop.daemon().terminate();

      Await.until(
          "new connections are refused",
          () -> Attempt.from(shop.buyer, shop.service(family), "hi").wasTurnedAway());
      assertThat(shop.daemon().isAlive()).as("it waits for the transfer").isTrue();
      assertThat(established.exchange("during")).isEqualTo("during");
      established.finish();
      assertThat(established.end()).isEqualTo(Attempt.End.FINISHED);
      shop.daemon().awaitEnd();
      Attempt after = Attempt.from(shop.buyer, shop.service(family), "hi");
      assertThat(after.wasConnectionRefused()).as("%s", after).isTrue();
      assertThat(server.accepted()).isNotEmpty();
    }
  }
}
