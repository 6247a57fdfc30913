package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.iptables.RulesetGeneration;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Callers;
import io.sluice.lab.site.DaemonProcess;
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
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** One daemon takes the place of another: no new connection fails, and none that is open. */
@Order(2)
@Tag("kernel")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class HandOverTest {
  private static final int ROUNDS = 3;
  private static final int CALLS = 20;

  /** Of those that are refused, each of which takes the daemon as long as one that is let in. */
  private static final Duration SELDOM = Duration.ofMillis(100);

  private static final int REFUSED_CALLS = 5;

  private static final double QUIET_LOAD = 4;
  private static final double BUSY_LOAD = 12;
  private static final Duration BUSY_LIMIT = Duration.ofSeconds(1);

  /**
   * For one of the hand-overs, where nothing else runs. From loose classes, without the cache that
   * is made for the package, a JVM starts slower.
   */
  private static final long QUIET_MILLIS = System.getProperty("sluice.dist") == null ? 300 : 100;

  /** Above that load nothing is promised, nor of a single one unless all is quiet; it must end. */
  private static final Duration LIMIT = Duration.ofSeconds(4);

  /** From {@link Mechanism#EBPF} on: successors in the same mode, and changes. */
  private static final List<Mechanism> SUCCESSORS =
      Stream.concat(
              Stream.of(Mechanism.EBPF),
              Mechanism.changes(Mechanism.IPTABLES, Mechanism.IPTABLES, Mechanism.EBPF).stream())
          .toList();

  /** Pods beside those that talk: a successor brings all of them in force before it accepts. */
  private static final String[] OTHERS = {"o1", "o2", "o3", "o4", "o5", "o6", "o7"};

  @AutoClose private static Shop shop;
  private static boolean running;

  @BeforeAll
  static void openShop() {
    shop = Shop.withoutDaemon(Mechanism.EBPF);
  }

  @BeforeEach
  void startDaemon() {
    if (!running) {
      shop.site.startDaemon(Mechanism.EBPF.arguments());
      running = true;
    }
  }

  @Tag("long")
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
        slowest.add(slowest(mechanism.mode(), shop, begin, ipv4, ipv6));
        Attempt stolen = Attempt.from(shop.thief, shop.service(Family.IPV4), "please");
        assertThat(stolen.wasTurnedAway()).as("%s", stolen).isTrue();
      }
      assertThat(ipv4.failed()).isEmpty();
      assertThat(ipv6.failed()).isEmpty();
      assertSoon(slowest, 1);
    }
  }

  /**
   * In another mode both mechanisms stand in a pod for a moment; when the successor is ready, its
   * own alone does.
   */
  @Test
  void successorsInTheSameModeOrAnotherTakeOverWithoutAFailedConnection() {
    try (TcpServer inside4 = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT);
        TcpServer inside6 = TcpServer.echo(shop.store, Family.IPV6, Shop.STORE_PORT);
        TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort());
        Callers ipv4 = new Callers(shop.buyer, shop.service(Family.IPV4));
        Callers ipv6 = new Callers(shop.buyer, shop.service(Family.IPV6));
        Callers thief = new Callers(shop.thief, shop.service(Family.IPV6), SELDOM);
        Callers leaver =
            new Callers(shop.thief, shop.stranger.at(Family.IPV4, outside.port()), SELDOM);
        Callers stranger =
            new Callers(shop.stranger, shop.store.at(Family.IPV4, Shop.STORE_PORT), SELDOM)) {
      List<Long> slowestInTheSame = new ArrayList<>();
      List<Long> slowestInAnother = new ArrayList<>();
      Mechanism present = Mechanism.EBPF;
      for (Mechanism next : SUCCESSORS) {
        awaitCalls(ipv4, ipv6);
        OptionalInt rules = generation(shop.store);
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
        awaitCalls(ipv4, ipv6);
        Stream.of(thief, leaver, stranger).forEach(one -> one.awaitMore(REFUSED_CALLS));
        assertThat(shop.view().status().path("mode").asText()).isEqualTo(next.mode());
        assertThat(ipv4.failed())
            .as("to %s: %s: %s", next, ipv4.failed(), shop.daemon().log())
            .isEmpty();
        assertThat(ipv6.failed())
            .as("to %s: %s: %s", next, ipv6.failed(), shop.daemon().log())
            .isEmpty();
        if (next == present) {
          assertThat(generation(shop.store)).as("rules that stand are left alone").isEqualTo(rules);
        }
        (next == present ? slowestInTheSame : slowestInAnother)
            .add(slowest("from " + present + " to " + next, shop, begin, ipv4, ipv6));
        present = next;
      }
      assertSoon(slowestInTheSame, 1);
      assertSoon(slowestInAnother, shop.site.pods().size());
      for (Callers one : List.of(thief, leaver, stranger)) {
        assertThat(one.failed()).allMatch(Attempt::wasTurnedAway);
        assertThat(one.answered()).isZero();
      }
      assertThat(outside.accepted()).isEmpty();
      ipv4.close(); // a call that is on its way has arrived, and is not answered yet
      ipv6.close();
      assertThat(inside4.accepted().size() + inside6.accepted().size())
          .isEqualTo(ipv4.answered() + ipv6.answered() + SUCCESSORS.size());
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
   * Of calls that waited for the next daemon, of each hand-over the slowest: the best of them,
   * since another may meet what else runs for a moment; on busy processors it waits for its share
   * too.
   */
  private static void assertSoon(List<Long> slowest, int times) {
    double load = load();
    long best = load <= QUIET_LOAD ? QUIET_MILLIS : limit(load, BUSY_LOAD).toMillis();
    long worst = limit(load, QUIET_LOAD).toMillis();
    assertThat(slowest).as("load %s", load).allMatch(ms -> ms < times * worst);
    assertThat(Collections.min(slowest)).as("load %s", load).isLessThanOrEqualTo(times * best);
  }

  private static double load() {
    return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
  }

  /** Milliseconds. */
  private static long slowest(String what, Shop shop, long begin, Callers... callers) {
    long slowest =
        Stream.of(callers).mapToLong(one -> one.slowestSince(begin).toMillis()).max().orElseThrow();
    System.out.printf(
        "slowest call of a hand-over, %s: %d ms, load %.1f; %s%n",
        what, slowest, load(), shop.daemon().lastLogLine("node_ready"));
    return slowest;
  }

  private static Duration limit(double load, double busy) {
    return load <= busy ? BUSY_LIMIT : LIMIT;
  }

  private static void awaitCalls(Callers... callers) {
    Stream.of(callers).forEach(one -> one.awaitMore(CALLS));
  }

  /** A daemon whose successor has gone for good ends, to be started anew. */
  @Order(Integer.MAX_VALUE) // it ends without one
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
      shop.daemon().kill();
      running = false;

      assertThat(first.exitCode()).as(first.log()).isEqualTo(1);
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
}
