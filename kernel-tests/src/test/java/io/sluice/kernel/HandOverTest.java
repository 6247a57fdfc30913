package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.iptables.RulesetGeneration;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Callers;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.node.fault.FaultPoint;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One daemon takes the place of another: no new connection fails, and none that is open. */
@Tag("kernel")
class HandOverTest {
  private static final int ROUNDS = LongRun.ON ? 3 : 2;
  private static final int CALLS = 20;

  private static final double QUIET_LOAD = 4;
  private static final double BUSY_LOAD = 12;
  private static final Duration BUSY_LIMIT = Duration.ofSeconds(1);

  /**
   * For one of the hand-overs, where nothing else runs: another may meet what does for a moment.
   * From loose classes, without the cache that is made for the package, a JVM starts slower.
   */
  private static final long QUIET_MILLIS = System.getProperty("sluice.dist") == null ? 300 : 100;

  /** Above that load nothing is promised; it must end. */
  private static final Duration LIMIT = Duration.ofSeconds(4);

  /** A change to the split and one from it too. */
  private static final List<Mechanism> CHANGES =
      Mechanism.changes(Mechanism.IPTABLES, Mechanism.SPLIT, Mechanism.EBPF);

  /** Pods beside those that talk: a successor brings all of them in force before it accepts. */
  private static final String[] OTHERS = {"o1", "o2", "o3", "o4", "o5", "o6", "o7"};

  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.open(Mechanism.EBPF);
  }

  @EachMechanism
  void successorsTakeOverWithoutAFailedConnection(Mechanism mechanism) {
    try (Shop shop = Shop.open(mechanism);
        TcpServer _ = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT);
        TcpServer _ = TcpServer.echo(shop.store, Family.IPV6, Shop.STORE_PORT);
        Callers ipv4 = new Callers(shop.buyer, shop.service(Family.IPV4));
        Callers ipv6 = new Callers(shop.buyer, shop.service(Family.IPV6))) {
      shop.change(() -> shop.site.addPods(OTHERS).forEach(shop.site.registry()::write));
      List<Long> slowest = new ArrayList<>();
      for (int round = 0; round < ROUNDS; round++) {
        awaitCalls(ipv4, ipv6);
        OptionalInt rules = generation(shop.store);
        DaemonProcess before = shop.daemon();
        long begin = System.nanoTime();
        try (Talk held = Talk.begin(shop.buyer, shop.service(Family.IPV6))) {
          assertThat(held.isAlive()).isTrue();
          shop.site.succeedDaemon().start();
          assertThat(held.isAlive()).as("a connection of the daemon before").isTrue();
        }
        before.terminate();
        before.awaitEnd();
        awaitCalls(ipv4, ipv6);
        assertThat(generation(shop.store)).as("rules that stand are left alone").isEqualTo(rules);
        slowest.add(assertSoon(shop, mechanism, begin, ipv4, ipv6));
        Attempt stolen = Attempt.from(shop.thief, shop.service(Family.IPV4), "please");
        assertThat(stolen.wasTurnedAway()).as("%s", stolen).isTrue();
      }
      assertThat(ipv4.failed()).isEmpty();
      assertThat(ipv6.failed()).isEmpty();
      double load = load();
      assertThat(Collections.min(slowest))
          .as("the best, load %s", load)
          .isLessThanOrEqualTo(load <= QUIET_LOAD ? QUIET_MILLIS : limit(load).toMillis());
    }
  }

  /**
   * Both mechanisms stand in a pod for a moment; when the successor is ready, its own alone does.
   */
  @Test
  void successorsInAnotherModeTakeOverWithoutAFailedConnection() {
    try (TcpServer inside4 = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT);
        TcpServer inside6 = TcpServer.echo(shop.store, Family.IPV6, Shop.STORE_PORT);
        TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort());
        Callers ipv4 = new Callers(shop.buyer, shop.service(Family.IPV4));
        Callers ipv6 = new Callers(shop.buyer, shop.service(Family.IPV6));
        Callers thief = new Callers(shop.thief, shop.service(Family.IPV6));
        Callers leaver = new Callers(shop.thief, shop.stranger.at(Family.IPV4, outside.port()));
        Callers stranger =
            new Callers(shop.stranger, shop.store.at(Family.IPV4, Shop.STORE_PORT))) {
      for (Mechanism next : CHANGES) {
        awaitCalls(ipv4, ipv6);
        DaemonProcess before = shop.daemon();
        long begin = System.nanoTime();
        try (Talk held = Talk.begin(shop.buyer, shop.service(Family.IPV6))) {
          assertThat(held.isAlive()).isTrue();
          DaemonProcess successor = shop.site.succeedDaemonWith(next.arguments());
          successor.start();
          assertThat(shop.isUnderOnly(next)).as("to %s: %s", next, successor.log()).isTrue();
          assertThat(held.isAlive()).as("held: %s", successor.log()).isTrue();
        }
        awaitCalls(ipv4, ipv6);
        before.terminate();
        before.awaitEnd();
        awaitCalls(ipv4, ipv6, thief, leaver, stranger);
        assertThat(shop.view().status().path("mode").asText()).isEqualTo(next.mode());
        assertThat(ipv4.failed())
            .as("to %s: %s: %s", next, ipv4.failed(), shop.daemon().log())
            .isEmpty();
        assertThat(ipv6.failed())
            .as("to %s: %s: %s", next, ipv6.failed(), shop.daemon().log())
            .isEmpty();
        List<Long> slowest = printSlowest("another mode, " + next.mode(), shop, begin, ipv4, ipv6);
        double load = load();
        long most = load <= QUIET_LOAD ? QUIET_MILLIS : limit(load).toMillis();
        assertThat(slowest)
            .as("load %s", load)
            .allMatch(ms -> ms <= most * shop.site.pods().size());
      }
      for (Callers one : List.of(thief, leaver, stranger)) {
        assertThat(one.failed()).allMatch(Attempt::wasTurnedAway);
        assertThat(one.answered()).isZero();
      }
      assertThat(outside.accepted()).isEmpty();
      ipv4.close(); // a call that is on its way has arrived, and is not answered yet
      ipv6.close();
      assertThat(inside4.accepted().size() + inside6.accepted().size())
          .isEqualTo(ipv4.answered() + ipv6.answered() + CHANGES.size());
    }
  }

  private static OptionalInt generation(SitePod pod) {
    try (NetnsHandle inside = pod.open();
        RulesetGeneration generation =
            RulesetGeneration.open(new LinuxNetworkNamespaces(), inside)) {
      return generation.current();
    }
  }

  /**
   * Of calls that waited for the next daemon; on busy processors it waits for its share too.
   *
   * @return milliseconds of the slowest
   */
  private static long assertSoon(Shop shop, Mechanism mechanism, long begin, Callers... callers) {
    double load = load();
    Duration limit = limit(load);
    List<Long> slowest = printSlowest(mechanism.mode(), shop, begin, callers);
    assertThat(slowest).as("load %s", load).allMatch(ms -> ms < limit.toMillis());
    return Collections.max(slowest);
  }

  private static double load() {
    return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
  }

  /** Milliseconds, of each caller. */
  private static List<Long> printSlowest(String what, Shop shop, long begin, Callers... callers) {
    List<Long> slowest = Stream.of(callers).map(one -> one.slowestSince(begin).toMillis()).toList();
    System.out.printf(
        "slowest calls of a hand-over, %s: %s ms, load %.1f; %s%n",
        what, slowest, load(), shop.daemon().lastLogLine("node_ready"));
    return slowest;
  }

  private static Duration limit(double load) {
    return load <= BUSY_LOAD ? BUSY_LIMIT : LIMIT;
  }

  private static void awaitCalls(Callers... callers) {
    for (Callers one : callers) {
      long before = one.answered() + one.failed().size();
      Await.until(
          "connections are answered", () -> one.answered() + one.failed().size() >= before + CALLS);
    }
  }

  @Test
  void aSuccessorThatDiesOnTheWayLeavesEverythingToTheNext() {
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT)) {
      DaemonProcess first = shop.daemon();
      DaemonProcess dying = shop.site.succeedDaemon();
      dying.beginToDieAt(FaultPoint.PLACE_TAKEN);
      assertThat(dying.exitCode()).isNotZero();
      assertThat(Attempt.from(shop.buyer, shop.service(Family.IPV4), "hi").answered()).isTrue();

      DaemonProcess later = shop.site.succeedDaemon();
      later.beginToDieAt(FaultPoint.ALONE);
      assertThat(later.exitCode()).isNotZero();

      // Nobody accepts now, and nobody refuses: it waits in the listener that the first one keeps.
      try (Talk waiting = Talk.begin(shop.buyer, shop.service(Family.IPV4))) {
        waiting.send("hi");
        shop.site.succeedDaemon().start();
        assertThat(waiting.receive(2)).as(first.log()).isEqualTo("hi");
      }
      first.terminate();
      first.awaitEnd();
      assertThat(Attempt.from(shop.buyer, shop.service(Family.IPV4), "hi").answered()).isTrue();
    }
  }

  @Test
  void aDaemonWhoseSuccessorHasGoneEndsToBeStartedAnew() {
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT)) {
      DaemonProcess first = shop.daemon();
      DaemonProcess successor = shop.site.succeedDaemon();
      successor.start();
      successor.kill();

      assertThat(first.exitCode()).as(first.log()).isEqualTo(1);
      shop.site.startDaemon(Mechanism.EBPF.arguments());
      assertThat(Attempt.from(shop.buyer, shop.service(Family.IPV4), "hi").answered()).isTrue();
    }
  }

  @Test
  void asksADaemonToLeaveOnlyWhenToldTo() {
    DaemonProcess other = shop.site.rivalDaemon();
    other.begin();

    assertThat(other.exitCode()).isNotZero();
    assertThat(other.lastWords()).contains("another node daemon holds").contains("--take-over");
    assertThat(shop.site.pods()).isNotEmpty();
    shop.assertEnforced();
  }

  @Test
  void certificatesGoAlongSoThatNodesSpeakWithoutTheController() {
    try (TwoNodes shop = TwoNodes.open(Mechanism.EBPF);
        TcpServer _ = TcpServer.echo(shop.store, Family.IPV6, Shop.STORE_PORT);
        Callers callers = new Callers(shop.buyer, shop.store.at(Family.IPV6, Shop.STORE_PORT))) {
      awaitCalls(callers);
      Set<String> before = serials(shop);
      shop.control().kill();

      for (Site site : List.of(shop.a(), shop.b())) {
        DaemonProcess earlier = site.daemon();
        site.succeedDaemon().start();
        earlier.terminate();
        earlier.awaitEnd();
        awaitCalls(callers);
      }
      assertThat(callers.failed())
          .as("%s%n%s", shop.a().daemon().log(), shop.b().daemon().log())
          .isEmpty();
      assertThat(serials(shop)).isNotEmpty().isEqualTo(before);
    }
  }

  private static Set<String> serials(TwoNodes shop) {
    Set<String> serials = new HashSet<>();
    for (var view : List.of(shop.callingView(), shop.servingView())) {
      view.certificates().forEach(one -> serials.add(one.path("serial").asText()));
    }
    return serials;
  }
}
