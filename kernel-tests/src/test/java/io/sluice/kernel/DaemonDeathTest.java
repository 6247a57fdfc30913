package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.SitePod;
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
    shop = Shop.open(Mechanism.EBPF, "--fast-path", "false"); // with which granted calls go on
  }

  @BeforeEach
  void startDaemon() {
    shop.reviveDaemon();
  }

  @Tag("attack")
  @Test
  void aKilledDaemonRefusesNewConnectionsBothWaysAndItsMapsAreReadFromTheirPins() {
    shop.assertEnforced();

    shop.daemon().kill();

    for (Family family : Family.values()) {
      assertRefusesBothWays(family);
      Attack.tried("new connections out of and into a pod whose daemon was killed, " + family)
          .refusedBy("cgroup/connect and sk_lookup, pinned")
          .countedAs("sluice_interception_refused_total{reason=\"proxy_unavailable\"}");
    }
    String dump =
        JavaCommand.here(
            "node", "maps", "dump", "pods", "--node-name", shop.site.prefix(), "-o", "json");
    assertThat(dump).contains("shop/buyer", "shop/store", "shop/thief", "10.77.0.2");
    assertThat(shop.view().dump("liveness").getFirst()).containsEntry("daemon", "dead");
  }

  private static void assertRefusesBothWays(Family family) {
    long out = unavailable(shop.buyer, "outbound");
    long in = unavailable(shop.store, "inbound");
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
      Attempt outbound = Attempt.from(shop.buyer, shop.service(family), "hi");
      Attempt inbound = Attempt.from(shop.stranger, shop.store.at(family, server.port()), "hi");
      assertThat(outbound.wasConnectionRefused()).as("%s", outbound).isTrue();
      assertThat(inbound.wasConnectionRefused()).as("%s", inbound).isTrue();
      assertThat(server.accepted()).isEmpty();
    }
    assertThat(unavailable(shop.buyer, "outbound")).isGreaterThan(out);
    assertThat(unavailable(shop.store, "inbound")).isGreaterThan(in);
  }

  private static long unavailable(SitePod pod, String direction) {
    return shop.view().counted(pod, direction, "refused", "proxy_unavailable");
  }

  @Test
  void whatDoesNotRunThroughTheDaemonLivesOnThroughItsDeath() {
    int port = shop.freshPort();
    InetSocketAddress four = shop.stranger.at(Family.IPV4, port);
    InetSocketAddress six = shop.stranger.at(Family.IPV6, port);
    try (TcpServer _ = TcpServer.echo(shop.stranger, Family.IPV4, port);
        TcpServer _ = TcpServer.echo(shop.stranger, Family.IPV6, port)) {
      shop.configure(false, false, Map.of("outboundPortExclusionList", "[" + port + "]"));
      Await.until("the port is excluded", () -> isAnswered(four) && isAnswered(six));
      try (Talk established4 = Talk.begin(shop.thief, four);
          Talk established6 = Talk.begin(shop.thief, six)) {
        shop.daemon().kill();

        assertThat(List.of(established4, established6)).allMatch(Talk::isAlive);
        assertThat(List.of(four, six)).allMatch(DaemonDeathTest::isAnswered);
        shop.daemon().start();
        assertThat(List.of(established4, established6)).allMatch(Talk::isAlive);
      }
    } finally {
      shop.configureAsAtFirst();
    }
  }

  private static boolean isAnswered(InetSocketAddress server) {
    return Attempt.from(shop.thief, server, "new").answered();
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

  @Test
  void aStoppedDaemonLetsEstablishedTransfersFinishAndRefusesNewOnes() {
    try (TcpServer server4 = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT);
        TcpServer server6 = TcpServer.echo(shop.store, Family.IPV6, Shop.STORE_PORT);
        Talk established4 = Talk.begin(shop.buyer, shop.service(Family.IPV4));
        Talk established6 = Talk.begin(shop.buyer, shop.service(Family.IPV6))) {
      List<Talk> established = List.of(established4, established6);
      for (Talk transfer : established) {
        assertThat(transfer.exchange("before")).isEqualTo("before");
      }

      shop.daemon().terminate();

      for (Family family : Family.values()) {
        Await.until(
            "new connections are refused",
            () -> Attempt.from(shop.buyer, shop.service(family), "hi").wasTurnedAway());
      }
      for (Talk transfer : established) {
        assertThat(shop.daemon().isAlive()).as("it waits for the transfer").isTrue();
        assertThat(transfer.exchange("during")).isEqualTo("during");
        transfer.finish();
        assertThat(transfer.end()).isEqualTo(Attempt.End.FINISHED);
      }
      shop.daemon().awaitEnd();
      for (Family family : Family.values()) {
        Attempt after = Attempt.from(shop.buyer, shop.service(family), "hi");
        assertThat(after.wasConnectionRefused()).as("%s", after).isTrue();
      }
      assertThat(server4.accepted()).isNotEmpty();
      assertThat(server6.accepted()).isNotEmpty();
    }
  }
}
