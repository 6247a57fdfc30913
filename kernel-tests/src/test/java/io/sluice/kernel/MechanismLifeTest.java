package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.node.NodeCleanup;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What either mechanism puts in force outlives the daemon, and goes when it shall, as a whole. */
@Tag("kernel")
@Order(18)
class MechanismLifeTest {
  private static final int PROBE_PORT = 9_090;

  @AutoClose private static ShopsByMechanism shops;

  @BeforeAll
  static void openShops() {
    shops = ShopsByMechanism.lent();
  }

  @EachMechanism
  void aKilledDaemonRefusesAllButProbesUntilItIsCleanedUpAndEnforcesWhenItIsBack(
      Mechanism mechanism) {
    Shop shop = shop(mechanism);
    declareProbe(shop);
    shop.assertEnforced();

    shop.daemon().kill();
    assertAllButProbesRefusedBothWays(shop);
    if (LongRun.ON || mechanism == Mechanism.IPTABLES) { // programs: beside one that runs
      assertCleaningUpSparesWhatAnotherNodeHolds(shop, mechanism);
    }
    assertCleaningUpOpens(shop);
    shop.daemon().start();

    assertThat(Traces.in(shop.thief)).isNotEmpty();
    assertServedAndOthersReset(shop);
  }

  private static void assertAllButProbesRefusedBothWays(Shop shop) {
    for (Family family : Family.values()) {
      // At a port that no object names, to which the kernel leads nobody by itself.
      try (TcpServer store = TcpServer.echo(shop.store, family, shop.freshPort());
          TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
        assertConnectionRefused(shop.buyer, shop.store.at(family, store.port()));
        assertConnectionRefused(shop.stranger, shop.store.at(family, store.port()));
        assertConnectionRefused(shop.thief, shop.stranger.at(family, outside.port()));
        assertThat(store.accepted()).isEmpty();
        assertThat(outside.accepted()).isEmpty();
      }
      assertTheNodesProbesAreAnsweredByTheApplication(shop, family);
    }
  }

  private static void assertServedAndOthersReset(Shop shop) {
    for (Family family : Family.values()) {
      try (TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
          TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
        Attempt served = Attempt.from(shop.buyer, shop.service(family), "hi");
        assertThat(served.answer()).as("%s", served).isEqualTo("hi");
        assertReset(shop.stranger, shop.store.at(family, store.port()));
        assertReset(shop.thief, shop.stranger.at(family, outside.port()));
        assertThat(store.accepted()).hasSize(1);
        assertThat(outside.accepted()).isEmpty();
      }
    }
  }

  private static void assertTheNodesProbesAreAnsweredByTheApplication(Shop shop, Family family) {
    SitePod node = shop.site.node();
    InetSocketAddress probed = shop.store.at(family, PROBE_PORT);
    assertConnectionRefused(node, probed);
    try (TcpServer application = TcpServer.echo(shop.store, family, PROBE_PORT);
        TcpServer other = TcpServer.echo(shop.store, family, shop.freshPort())) {
      Attempt probe = Attempt.from(node, probed, "well?");

      assertThat(probe.answer()).as("%s", probe).isEqualTo("well?");
      assertThat(application.accepted().getFirst().peer()).isEqualTo(probe.local());
      assertConnectionRefused(node, shop.store.at(family, other.port()));
      assertConnectionRefused(shop.stranger, probed);
      assertConnectionRefused(shop.thief, probed);
      assertThat(application.accepted()).hasSize(1);
      assertThat(other.accepted()).isEmpty();
    }
  }

  private static void declareProbe(Shop shop) {
    String pod = Manifests.pod(shop.store, Map.of(), List.of(PROBE_PORT));
    shop.change(() -> shop.site.registry().write("pod-store", pod));
  }

  @EachMechanism
  void aPodThatLeavesTheMeshHoldsNothingOfOursAndTalksDirectly(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    SitePod pod = shop.site.addPods("leaver").getFirst();
    shop.change(() -> shop.site.registry().write(pod));
    Await.until("it is enrolled", () -> shop.view().stateOf(pod).equals("enrolled"));
    assertThat(Traces.in(pod)).isNotEmpty();
    try (TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort());
        TcpServer inside = TcpServer.echo(pod, Family.IPV4, shop.freshPort())) {
      InetSocketAddress outbound = shop.stranger.at(Family.IPV4, outside.port());
      InetSocketAddress inbound = pod.at(Family.IPV4, inside.port());
      assertReset(pod, outbound);
      assertReset(shop.stranger, inbound);

      shop.change(() -> shop.site.registry().remove(pod));

      Await.until("nothing of ours is left", () -> Traces.in(pod).isEmpty());
      assertThat(Attempt.from(pod, outbound, "hi").answer()).isEqualTo("hi");
      assertThat(Attempt.from(shop.stranger, inbound, "hi").answer()).isEqualTo("hi");
      assertThat(outside.accepted().getFirst().peer().getAddress())
          .isEqualTo(pod.address(Family.IPV4));
      assertThat(inside.accepted().getFirst().peer().getAddress())
          .isEqualTo(shop.stranger.address(Family.IPV4));
    }
  }

  @EachMechanism
  void whatHasArrivedWhenAPodLeavesGoesOn(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    SitePod pod = shop.site.addPods("keeper").getFirst();
    shop.configure(true, true, Map.of());
    shop.change(() -> shop.site.registry().write(pod));
    Await.until("it is enrolled", () -> shop.view().stateOf(pod).equals("enrolled"));
    try (TcpServer inside = TcpServer.echo(pod, Family.IPV6, shop.freshPort())) {
      try (Talk open = Talk.begin(shop.stranger, pod.at(Family.IPV6, inside.port()))) {
        assertThat(open.exchange("before")).isEqualTo("before");

        shop.change(() -> shop.site.registry().remove(pod));
        Await.until("it has left", () -> !shop.view().stateOf(pod).equals("enrolled"));

        assertThat(open.exchange("after")).isEqualTo("after");
      }
      Await.until("nothing of ours is left", () -> Traces.in(pod).isEmpty());
    } finally {
      shop.configureAsAtFirst();
    }
  }

  /**
   * Strict policy, without egress: all of its pods leave at once, and what they have open goes on.
   */
  @EachMechanism
  void callsGoOnWhileTheirNamespaceLeavesTheMesh(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    List<SitePod> pods = List.of(shop.buyer, shop.store, shop.thief);
    try (Traffic traffic = new Traffic()) {
      for (Family family : Family.values()) {
        traffic.begin(shop.buyer, shop.store, family);
      }
      traffic.awaitMore();
      try (Talk held = Talk.begin(shop.buyer, shop.store.at(Family.IPV4, Shop.STORE_PORT))) {
        assertThat(held.exchange("before")).isEqualTo("before");
        traffic.assertRefused(shop.store, shop.thief, shop.stranger);

        String left = Manifests.namespace().replace("enabled", "disabled");
        shop.change(() -> shop.site.registry().write("namespace", left));
        traffic.awaitMore();

        assertThat(held.exchange("after")).isEqualTo("after");
      }
      traffic.assertOneFailureAtMost(List.of(mechanism));
      for (SitePod pod : pods) {
        Await.until("nothing is left in " + pod.name(), () -> Traces.in(pod).isEmpty());
      }
    } finally {
      shop.change(() -> shop.site.registry().write("namespace", Manifests.namespace()));
    }
    for (SitePod pod : pods) {
      Await.until("it is enrolled", () -> shop.view().stateOf(pod).equals("enrolled"));
    }
  }

  private static void assertCleaningUpSparesWhatAnotherNodeHolds(Shop shop, Mechanism mechanism) {
    List<String> held = Traces.in(shop.store);
    String other = shop.site.prefix() + "-other";
    try (DaemonProcess daemon = daemonOf(other, shop, mechanism)) {
      daemon.start();
    }

    assertThat(JavaCommand.here("node", "cleanup", "--node-name", other))
        .startsWith("removed: node '" + other + "'")
        .containsPattern("open, but for [1-9][0-9]* that node '" + shop.site.prefix() + "' keeps")
        .contains("`sluice node cleanup --node-name " + shop.site.prefix() + "` removes that");
    assertThat(NodeCleanup.removeAll(other)).isFalse();
    assertThat(kinds(Traces.in(shop.store).toString().replace(other, shop.site.prefix())))
        .isEqualTo(kinds(held.toString()));
  }

  private static void assertCleaningUpOpens(Shop shop) {
    try (TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort())) {
      InetSocketAddress outbound = shop.stranger.at(Family.IPV4, outside.port());
      assertConnectionRefused(shop.thief, outbound);
      beginRecords(shop);

      NodeCleanup.removeAll(shop.site.prefix());

      assertThat(Traces.in(shop.thief)).isEmpty();
      assertThat(Traces.in(shop.store)).isEmpty();
      Attempt free = Attempt.from(shop.thief, outbound, "hi");
      assertThat(free.answer()).as("%s", free).isEqualTo("hi");
    }
  }

  @ParameterizedTest
  @MethodSource("io.sluice.kernel.Mechanism#inTurn")
  void whatAnotherRunningDaemonHoldsIsNotTouched(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    List<String> held = Traces.in(shop.store);
    String other = shop.site.prefix() + "-other";
    try (DaemonProcess beside = daemonOf(other, shop, mechanism);
        TcpServer store = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT)) {
      beside.start();
      int before = shop.view().accessLog().size();

      Attempt served = Attempt.from(shop.buyer, shop.service(Family.IPV4), "hi");

      assertThat(served.answer()).as("%s", served).isEqualTo("hi");
      Await.until(
          "the buyer's and the store's are told",
          () -> shop.view().accessLog().size() >= before + 2);
      assertThat(shop.view().accessLog()).hasSize(before + 2);
      assertThat(beside.view().accessLog()).isEmpty();
      assertThat(Traces.in(shop.store)).isEqualTo(held);
      assertThat(beside.view().pod(shop.store).path("state").asText()).isEqualTo("pending");
      assertThat(beside.view().pod(shop.store).path("problem").asText())
          .contains("node '" + shop.site.prefix() + "', whose daemon runs")
          .contains("`sluice node cleanup --node-name " + shop.site.prefix() + "`");
    } finally {
      NodeCleanup.removeAll(other);
    }
  }

  /** As a daemon does that is killed while it notes a pod. */
  private static void beginRecords(Shop shop) {
    for (String records : List.of("iptables", "closed")) {
      Path directory = Path.of("/run/sluice", shop.site.prefix(), records);
      Commands.run("mkdir", "-p", directory.toString());
      Commands.run("touch", directory.resolve("new").toString());
    }
  }

  /** Of the same pods, by a name of its own. */
  private static DaemonProcess daemonOf(String name, Shop shop, Mechanism mechanism) {
    List<String> launch = new ArrayList<>(JavaCommand.sluice("node", "run"));
    launch.addAll(List.of("--registry", shop.site.registry().directory().toString()));
    return new DaemonProcess(
        shop.site.node(),
        name,
        launch,
        shop.site.directory().resolve("other").resolve("state"),
        List.of(),
        List.of(mechanism.arguments()));
  }

  /** Without numbers, such as a listener's port, which every daemon chooses. */
  private static String kinds(String traces) {
    return traces.replaceAll("[0-9]+", "N");
  }

  @EachMechanism
  void everyWholePodIsReportedAsWhole(Mechanism mechanism) {
    Shop shop = shop(mechanism);

    for (SitePod pod : new SitePod[] {shop.buyer, shop.store, shop.thief}) {
      assertThat(shop.view().metric("sluice_interception_ok", "pod=\"" + pod.name() + "\""))
          .isEqualTo(1);
    }
  }

  private static Shop shop(Mechanism mechanism) {
    return shops.of(mechanism);
  }

  /** By the proxy, which has accepted it. */
  private static void assertReset(SitePod from, InetSocketAddress destination) {
    Attempt attempt = Attempt.from(from, destination, "hi");
    assertThat(attempt.wasReset()).as("%s", attempt).isTrue();
  }

  /** By the kernel, or by an application that is not there. */
  private static void assertConnectionRefused(SitePod from, InetSocketAddress destination) {
    Attempt attempt = Attempt.from(from, destination, "hi");
    assertThat(attempt.wasConnectionRefused()).as("%s", attempt).isTrue();
  }
}
