package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.iptables.ClientAddresses;
import io.sluice.lab.site.AtOnce;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Confinement;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.bpf.BpfLink;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.node.NodeCleanup;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The daemon looks whether interception works, and refuses a pod as a whole while it does not and
 * cannot be put right.
 */
@Order(9)
@Tag("kernel")
@TestMethodOrder(OrderAnnotation.class)
class VerificationTest {
  private static final int STOLEN_PORT = 7_777;

  private static final String TO_A_LISTENER =
      "tcp flags & (syn | ack) == syn tcp dport 49152-65535";

  /** What others do inside a pod so that programs and rules of ours are whole and paths are not. */
  private static final Map<String, String> STOLEN_PATHS =
      Map.of(
          "outbound IPv4 swallowed",
          "add table ip thief; add chain ip thief t { type filter hook input priority 0; };"
              + " add rule ip thief t iif lo "
              + TO_A_LISTENER
              + " drop",
          "outbound IPv6 swallowed",
          "add table ip6 thief; add chain ip6 thief t { type filter hook input priority 0; };"
              + " add rule ip6 thief t iif lo "
              + TO_A_LISTENER
              + " drop",
          "inbound IPv4 stolen",
          "add table ip thief; add chain ip thief t { type nat hook prerouting priority -101; };"
              + " add rule ip thief t iif eth0 tcp dport != 22 redirect to :"
              + STOLEN_PORT,
          "inbound IPv6 stolen",
          "add table ip6 thief; add chain ip6 thief t { type nat hook prerouting priority -101; };"
              + " add rule ip6 thief t iif eth0 tcp dport != 22 redirect to :"
              + STOLEN_PORT);

  @AutoClose private static ShopsByMechanism shops;

  @BeforeAll
  static void openShops() {
    shops =
        ShopsByMechanism.open(
            Confinement.OWN_MOUNTS,
            "--path-check-seconds",
            "1",
            "--path-check-patience-seconds",
            "2");
  }

  @EachMechanism
  void looksAtEveryPathAndCountsNothingOfIt(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    awaitWhole(shop, shop.store);
    List<Map<String, String>> verdicts = verdictsOnConnections(shop);
    long accepted = shop.view().status().path("connectionsAccepted").asLong();
    int records = shop.view().accessLog().size();
    double looks = shop.view().metric("sluice_interception_path_checks_total");

    Await.until(
        "every pod was looked at twice more",
        () -> shop.view().metric("sluice_interception_path_checks_total") >= looks + 6);

    assertThat(verdictsOnConnections(shop)).containsExactlyInAnyOrderElementsOf(verdicts);
    assertThat(shop.view().status().path("connectionsAccepted").asLong()).isEqualTo(accepted);
    assertThat(shop.view().accessLog()).hasSize(records);
    assertThat(shop.view().events()).noneMatch(event -> event.toString().contains("15009"));
    assertThat(shop.daemon().log())
        .doesNotContain("path_not_checked pod=" + shop.store.meshName() + " reason=a ");
    assertThat(ok(shop, shop.store)).isEqualTo(1);
  }

  /** Kernels send ICMPv6 of their own whenever they like. */
  private static List<Map<String, String>> verdictsOnConnections(Shop shop) {
    return shop.view().dump("verdict_counters").stream()
        .filter(row -> !row.getOrDefault("reason", "").equals("raw_socket"))
        .toList();
  }

  /** In a short run each direction and each family once. */
  static Stream<String> stolenPaths() {
    return LongRun.ON
        ? STOLEN_PATHS.keySet().stream().sorted()
        : Stream.of("outbound IPv4 swallowed", "inbound IPv6 stolen");
  }

  @ParameterizedTest
  @MethodSource("stolenPaths")
  void aPodWhosePathIsNotOursIsRefusedWhileThatLasts(String path) {
    shops.inEach((_, shop) -> awaitWhole(shop, shop.store));
    Map<Mechanism, Long> before = new ConcurrentHashMap<>();
    shops.inEach((mechanism, shop) -> before.put(mechanism, shop.view().lastEvent()));

    shops.inEach((_, shop) -> nft(shop.store, Objects.requireNonNull(STOLEN_PATHS.get(path))));

    try {
      shops.inEach((mechanism, shop) -> {
        awaitRefused(shop, shop.store);
        assertToldThatTheStoreIsRefused(shop, Objects.requireNonNull(before.get(mechanism)), path);
        assertNothingPasses(shop, shop.store, STOLEN_PORT);
        assertThat(ok(shop, shop.buyer)).isEqualTo(1);
      });
    } finally {
      String family = path.contains("IPv4") ? "ip" : "ip6";
      shops.inEach((_, shop) -> nft(shop.store, "delete table " + family + " thief"));
    }

    shops.inEach((_, shop) -> {
      awaitWhole(shop, shop.store);
      assertThat(Traces.barriers(shop.store)).isEmpty();
      assertServed(shop);
    });
  }

  private static void assertToldThatTheStoreIsRefused(Shop shop, long before, String why) {
    assertThat(ok(shop, shop.store)).as(why).isEqualTo(0);
    assertThat(shop.view().events(before, shop.store, "interception_failed_closed")).hasSize(2);
    assertThat(shop.view().readiness()).contains("pod " + shop.store.meshName() + " refused: a ");
    assertThat(shop.daemon().log())
        .contains("interception_failed_closed pod=" + shop.store.meshName());
  }

  @EachMechanism
  void aPodThatCannotBeRepairedIsRefusedUntilItCan(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    awaitWhole(shop, shop.store);

    preventRepair(shop, mechanism);
    try {
      breakInterception(shop, mechanism);

      awaitRefused(shop, shop.store);
      assertThat(ok(shop, shop.store)).isEqualTo(0);
      assertNothingPasses(shop, shop.store, Shop.STORE_PORT);
    } finally {
      allowRepair(shop, mechanism);
    }

    // Where rules could not be read, the other pod may have been refused as well.
    for (SitePod pod : List.of(shop.store, shop.buyer)) {
      awaitWhole(shop, pod);
      assertThat(Traces.barriers(pod)).isEmpty();
    }
    assertServed(shop);
  }

  @EachMechanism
  void whatWasRepairedIsReportedUntilALookHasFoundItWhole(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    awaitWhole(shop, shop.store);

    // Who asks may come later than the look that follows the repair.
    boolean told = false;
    for (int i = 0; i < 10 && !told; i++) {
      long before = repairs(shop);
      breakInterception(shop, mechanism);
      AtomicBoolean seen = new AtomicBoolean();
      Await.until(
          "it is repaired",
          Await.patience(60),
          () -> {
            seen.compareAndSet(false, ok(shop, shop.store) == 0);
            return seen.get() || repairs(shop) > before;
          });
      told = seen.get() || ok(shop, shop.store) == 0;
      Await.until("it is whole", Await.patience(60), () -> repairs(shop) > before);
    }
    assertThat(told).as("it is told").isTrue();
    Await.until("it is whole again", () -> ok(shop, shop.store) == 1);
    assertServed(shop);
  }

  @Test
  void aPodThatCannotBeEnrolledIsRefusedUnlessTheMeshIsPermissive() {
    Map<Shop, SitePod> pods = new ConcurrentHashMap<>();
    shops.inEach((_, shop) -> pods.put(shop, addPodWithoutLoopback(shop, "latecomer")));
    try {
      shops.inEach((_, shop) -> assertRefusedBeforeItsEnrolment(shop, pod(pods, shop)));

      shops.inEach((_, shop) -> shop.configure(true, true, Map.of()));
      shops.inEach((_, shop) -> assertOpenBeforeItsEnrolment(shop, pod(pods, shop)));

      shops.inEach((_, shop) -> shop.configureAsAtFirst());
      shops.inEach((_, shop) -> {
        awaitRefused(shop, pod(pods, shop));
        giveLoopback(pod(pods, shop));
      });
      shops.inEach((_, shop) -> {
        awaitWhole(shop, pod(pods, shop));
        assertThat(Traces.barriers(pod(pods, shop))).isEmpty();
      });
    } finally {
      shops.inEach((_, shop) -> {
        shop.configureAsAtFirst();
        shop.change(() -> shop.site.registry().remove(pod(pods, shop)));
      });
    }
    shops.inEach((_, shop) ->
        Await.until("nothing of ours is left", () -> Traces.in(pod(pods, shop)).isEmpty()));
  }

  /** With rules, which are noted before they are written. */
  @Test
  void connectionsFromBeforeAnEnrolmentThatFailedAreEndedByTheOneThatSucceeds() {
    Shop shop = shop(Mechanism.IPTABLES);
    SitePod pod = shop.site.addPods("retried").getFirst();
    try (TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort());
        Talk before = Talk.begin(pod, shop.stranger.at(Family.IPV4, outside.port()))) {
      preventRepair(shop, Mechanism.IPTABLES);
      try {
        shop.change(() -> shop.site.registry().write(pod));
        awaitRefused(shop, pod);
      } finally {
        allowRepair(shop, Mechanism.IPTABLES);
      }
      awaitWhole(shop, pod);

      assertThat(before.isAlive()).isFalse();
      assertThat(shop.view().events(0, pod, "before_enrolment")).hasSize(1);
    } finally {
      shop.change(() -> shop.site.registry().remove(pod));
    }
  }

  private static void assertRefusedBeforeItsEnrolment(Shop shop, SitePod pod) {
    awaitRefused(shop, pod);
    assertThat(shop.view().stateOf(pod)).isEqualTo("pending");
    assertThat(shop.view().readiness()).contains("pod " + pod.meshName() + " refused: ");
    assertNothingPasses(shop, pod, shop.freshPort());
  }

  private static void assertOpenBeforeItsEnrolment(Shop shop, SitePod pod) {
    Await.until("it is open", () -> protection(shop, pod).equals("not protected"));
    assertThat(Traces.in(pod)).isEmpty();
    assertThat(shop.view().readiness()).contains("pod " + pod.meshName() + " not protected: ");
    try (TcpServer inside = TcpServer.echo(pod, Family.IPV4, shop.freshPort())) {
      assertThat(Attempt.from(shop.stranger, pod.at(Family.IPV4, inside.port()), "hi").answer())
          .isEqualTo("hi");
    }
  }

  /** The last, as it leaves no daemon. */
  @Test
  @Order(Integer.MAX_VALUE)
  void aBarrierOutlivesTheDaemonAndGoesWithTheNextOneOrACleanUp() {
    Map<Shop, SitePod> pods = new ConcurrentHashMap<>();
    shops.inEach((_, shop) -> pods.put(shop, addPodWithoutLoopback(shop, "orphan")));

    shops.inEach((_, shop) -> {
      killOnceRefused(shop, pod(pods, shop));
      giveLoopback(pod(pods, shop));
      shop.daemon().start();
    });
    shops.inEach((_, shop) -> {
      awaitWhole(shop, pod(pods, shop));
      assertThat(Traces.barriers(pod(pods, shop))).isEmpty();
      nft(pod(pods, shop), Objects.requireNonNull(STOLEN_PATHS.get("outbound IPv4 swallowed")));
    });
    shops.inEach((_, shop) -> {
      killOnceRefused(shop, pod(pods, shop));
      NodeCleanup.removeAll(shop.site.prefix());
      assertThat(Traces.in(pod(pods, shop))).isEmpty();
    });
  }

  private static void killOnceRefused(Shop shop, SitePod pod) {
    awaitRefused(shop, pod);
    shop.daemon().kill();
    assertThat(Traces.barriers(pod)).hasSize(1);
  }

  /** In the registry, and not to be enrolled until {@link #giveLoopback}. */
  private static SitePod addPodWithoutLoopback(Shop shop, String name) {
    SitePod pod = shop.site.addPods(name).getFirst();
    Commands.ip(pod.netns(), List.of("link set lo down", "addr flush dev lo"));
    shop.change(() -> shop.site.registry().write(pod));
    return pod;
  }

  private static void giveLoopback(SitePod pod) {
    Commands.ip(pod.netns(), List.of("link set lo up"));
  }

  private static SitePod pod(Map<Shop, SitePod> pods, Shop shop) {
    return Objects.requireNonNull(pods.get(shop));
  }

  /** As where the kernel has no routes by mark, which asking about datagrams does not need. */
  @Test
  void whoComesLaterIsKnownWhereTheTrueClientCannotBeShown() {
    Shop shop = shop(Mechanism.IPTABLES);
    List<SitePod> pods = shop.site.addPods("unshown", "later");
    SitePod unshown = pods.getFirst();
    SitePod later = pods.getLast();
    String ip = program("ip");
    mount(shop, "mount", "--bind", "/bin/false", ip);
    try {
      shop.change(() -> shop.site.registry().write(unshown));
      Await.until(
          "its true client cannot be shown",
          () -> shop.daemon().log().contains("true_client_not_shown pod=" + unshown.meshName()));
      shop.change(() -> shop.site.registry().write(later));

      for (Family family : Family.values()) {
        Await.until(
            "datagrams of the other one are asked about",
            () -> peers(unshown, family).contains(IpAddresses.text(later.address(family))));
      }
    } finally {
      mount(shop, "umount", "--lazy", ip);
      pods.forEach(pod -> shop.change(() -> shop.site.registry().remove(pod)));
    }
  }

  private static String peers(SitePod pod, Family family) {
    return Commands.run(
        "nsenter",
        "--net=" + pod.path(),
        "nft",
        "list set inet " + ClientAddresses.TABLE + " peers" + (family == Family.IPV4 ? 4 : 6));
  }

  /** The mounts of the daemon alone are changed, so that other daemons on this machine go on. */
  private static void preventRepair(Shop shop, Mechanism mechanism) {
    if (mechanism == Mechanism.EBPF) {
      mount(shop, "mount", "-o", "remount,bind,ro", "/sys/fs/bpf");
    } else {
      mount(shop, "mount", "--bind", "/bin/false", iptables());
    }
  }

  private static void allowRepair(Shop shop, Mechanism mechanism) {
    if (mechanism == Mechanism.EBPF) {
      mount(shop, "mount", "-o", "remount,bind,rw", "/sys/fs/bpf");
    } else {
      mount(shop, "umount", "--lazy", iptables()); // the daemon may be starting it just now
    }
  }

  private static void mount(Shop shop, String... command) {
    Commands.run(
        Stream.concat(
                Stream.of("nsenter", "--mount=/proc/" + shop.daemon().pid() + "/ns/mnt"),
                Stream.of(command))
            .toArray(String[]::new));
  }

  /** The one program that all names of the nftables variant lead to. */
  private static String iptables() {
    return program("iptables-nft");
  }

  private static String program(String name) {
    return Commands.run("readlink", "-f", Commands.run("which", name).strip()).strip();
  }

  private static void breakInterception(Shop shop, Mechanism mechanism) {
    if (mechanism == Mechanism.EBPF) {
      Path pins = shop.view().pins().pod(shop.store.cookie());
      try (BpfLink link = BpfLink.openPinned(pins.resolve("link"))) {
        link.detach();
      }
    } else {
      Commands.run("nsenter", "--net=" + shop.store.path(), "iptables-nft", "-t", "nat", "-F");
    }
  }

  private static void nft(SitePod pod, String commands) {
    Commands.run("nsenter", "--net=" + pod.path(), "nft", commands);
  }

  private static Shop shop(Mechanism mechanism) {
    return shops.of(mechanism);
  }

  private static long repairs(Shop shop) {
    String repaired = "interception_repaired pod=" + shop.store.meshName();
    return shop.daemon().log().lines().filter(line -> line.contains(repaired)).count();
  }

  private static double ok(Shop shop, SitePod pod) {
    return shop.view().metric("sluice_interception_ok", "pod=\"" + pod.name() + "\"");
  }

  private static String protection(Shop shop, SitePod pod) {
    return shop.view().pod(pod).path("protection").asText();
  }

  private static void awaitWhole(Shop shop, SitePod pod) {
    Await.until(
        pod.name() + " is whole",
        () -> protection(shop, pod).equals("protected") && ok(shop, pod) == 1);
  }

  private static void awaitRefused(Shop shop, SitePod pod) {
    Await.until(
        pod.name() + " is refused",
        () -> protection(shop, pod).equals("refused") && !Traces.barriers(pod).isEmpty());
  }

  /** Of what is swallowed nothing is heard until the client gives up: for both families at once. */
  private static void assertNothingPasses(Shop shop, SitePod pod, int port) {
    try {
      AtOnce.forEach(
          List.of(Family.values()), family -> assertNothingPasses(shop, pod, family, port));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static void assertNothingPasses(Shop shop, SitePod pod, Family family, int port) {
    try (TcpServer inside = TcpServer.open(pod, pod.at(family, port), TcpServer.greeting("in"));
        TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
      Attempt in = Attempt.from(shop.stranger, pod.at(family, port), "hi");
      Attempt out = Attempt.from(pod, shop.stranger.at(family, outside.port()), "hi");

      assertThat(in.wasTurnedAway()).as("into %s: %s", pod, in).isTrue();
      assertThat(out.answered()).as("out of %s: %s", pod, out).isFalse();
      assertThat(inside.accepted()).isEmpty();
      assertThat(outside.accepted()).isEmpty();
    }
  }

  private static void assertServed(Shop shop) {
    for (Family family : Family.values()) {
      try (TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
        Attempt served = Attempt.from(shop.buyer, shop.service(family), "hi");
        assertThat(served.answer()).as("%s", served).isEqualTo("hi");
        assertThat(store.accepted()).hasSize(1);
      }
    }
  }
}
