package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.AtLoad;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Exclusions of MeshConfig and annotations act live, without a pod restart: each is timed from the
 * moment it is written until traffic shows it, while connections through the proxy stay open over
 * all of them.
 */
@Tag("kernel")
@ParameterizedClass
@MethodSource("io.sluice.kernel.Mechanism#tried")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExclusionTest {
  private static final String SECOND = "net1";
  private static final int TRIES = 100;

  /**
   * How long a change may take to act on pods that run: the median, and each where a processor is
   * free.
   */
  private static final Duration LIVE = Await.patience(2);

  @Parameter private Mechanism mechanism = Mechanism.EBPF;
  private Shop shop;
  private Echoes heldServers;
  private final List<Talk> held = new ArrayList<>();
  private final List<Duration> taken = new ArrayList<>();
  private long written;

  @BeforeParameterizedClassInvocation
  void openShop() {
    shop = Shop.lent(mechanism);
    shop.site.joinBySecondInterface(shop.thief, shop.stranger);
    heldServers = echoes(shop.store);
    for (Family family : Family.values()) {
      give(shop.thief, second(family, 1), family);
      give(shop.stranger, second(family, 2), family);
      held.add(Talk.begin(shop.buyer, heldServers.at(family)));
    }
  }

  @AfterParameterizedClassInvocation
  void assertLiveAndReleaseHeld() {
    taken.sort(null);
    Duration median = taken.isEmpty() ? Duration.ZERO : taken.get(taken.size() / 2);
    taken.clear();
    held.forEach(Talk::close);
    heldServers.close();
    held.clear();
    Commands.ip(shop.thief.netns(), List.of("link delete " + SECOND));
    shop.close();
    assertThat(median).as("of all changes").isLessThan(LIVE);
  }

  private static String second(Family family, int host) {
    return (family == Family.IPV4 ? "172.30.0." : "fd30::") + host;
  }

  private static void give(SitePod pod, String address, Family family) {
    String tail = family == Family.IPV4 ? "/24 dev net1" : "/64 dev net1 nodad";
    Commands.ip(pod.netns(), List.of("addr add " + address + tail));
  }

  @AfterEach
  void excludeNothingAndStayConnected() {
    shop.configureAsAtFirst();
    for (SitePod pod : List.of(shop.buyer, shop.store)) {
      shop.change(() -> shop.site.registry().write(pod));
    }
    assertThat(held).as("held over every change").hasSize(2).allMatch(Talk::isAlive);
  }

  @Test
  void anOutboundPortOnTheListIsLeftAlone() {
    try (Echoes servers = echoes(shop.stranger)) {
      each(family -> assertReset(shop.thief, servers.at(family)));

      configure("outboundPortExclusionList", "[" + servers.port + "]");

      each(family -> awaitPassed(shop.thief, servers.at(family), "outbound", "excluded_port"));
      try (Talk one = Talk.begin(shop.thief, servers.at(Family.IPV4));
          Talk other = Talk.begin(shop.thief, servers.at(Family.IPV6))) {
        assertThat(List.of(one, other)).allMatch(Talk::isAlive);
        write(Map.of());
        each(family -> awaitRefused(shop.thief, servers.at(family)));
        assertThat(List.of(one, other)).as("what is established stays").allMatch(Talk::isAlive);
      }
    }
  }

  @Test
  void anInboundPortOnTheListIsLeftAlone() {
    try (Echoes servers = echoes(shop.store)) {
      each(family -> assertReset(shop.stranger, servers.at(family)));

      configure("inboundPortExclusionList", "[" + servers.port + "]");

      each(family -> {
        Attempt attempt = awaitAnswered(shop.stranger, servers.at(family));
        assertThat(servers.by(family).accepted().getLast().peer()).isEqualTo(attempt.local());
        assertThat(shop.view().counted(shop.store, "inbound", "passthrough", "excluded_port"))
            .isPositive();
      });
    }
  }

  @Test
  void listsOfMeshAndPodAddUpAndTheNeighbourOfAPortIsNotExcludedAHundredTimesEach() {
    try (Echoes byMesh = echoes(shop.stranger);
        Echoes byPod = echoes(shop.stranger);
        Echoes neighbour = echoes(shop.stranger);
        Echoes alsoByMesh = echoes(shop.store);
        Echoes alsoByPod = echoes(shop.store);
        Echoes beside = echoes(shop.store)) {
      shop.configure(
          false,
          false,
          Map.of(
              "outboundPortExclusionList", "[" + byMesh.port + "]",
              "inboundPortExclusionList", "[" + alsoByMesh.port + "]"));
      // Nobody calls before it is in force: for ten seconds after a refused call rules refuse its
      // port.
      shop.change(() ->
          annotate(shop.buyer, Map.of("sluice.io/outbound-port-exclusion-list", "" + byPod.port)));
      shop.change(() ->
          annotate(
              shop.store, Map.of("sluice.io/inbound-port-exclusion-list", "" + alsoByPod.port)));

      each(family -> {
        for (Echoes excluded : List.of(byMesh, byPod)) {
          assertAnsweredOften(shop.buyer, excluded, family);
        }
        for (Echoes excluded : List.of(alsoByMesh, alsoByPod)) {
          assertAnsweredOften(shop.stranger, excluded, family);
        }
        assertRefusedOften(shop.buyer, neighbour, family);
        assertRefusedOften(shop.stranger, beside, family);
      });
    }
  }

  /** By the very socket of the client: nothing is between. */
  private static void assertAnsweredOften(SitePod from, Echoes servers, Family family) {
    for (int i = 0; i < TRIES; i++) {
      Attempt attempt = Attempt.from(from, servers.at(family), "hi");
      assertThat(attempt.answer()).as("%s, try %s", attempt, i).isEqualTo("hi");
      assertThat(servers.by(family).accepted().getLast().peer()).isEqualTo(attempt.local());
    }
  }

  private static void assertRefusedOften(SitePod from, Echoes servers, Family family) {
    for (int i = 0; i < TRIES; i++) {
      Attempt attempt = Attempt.from(from, servers.at(family), "hi");
      assertThat(attempt.wasReset()).as("%s, try %s", attempt, i).isTrue();
    }
    assertThat(servers.by(family).accepted()).isEmpty();
  }

  @Test
  void anOutboundRangeOnTheListIsLeftAlone() {
    try (Echoes servers = echoes(shop.stranger);
        Echoes neighbours = new Echoes(shop.site.node(), servers.port)) {
      each(family -> assertReset(shop.thief, servers.at(family)));

      configure("outboundIPRangeExclusionList", "[" + ranges(shop.stranger) + "]");

      each(family -> {
        awaitPassed(shop.thief, servers.at(family), "outbound", "excluded_range");
        Attempt beside = Attempt.from(shop.thief, neighbours.at(family), "hi");
        assertThat(beside.wasReset()).as("outside of the range: %s", beside).isTrue();
      });
    }
  }

  @Test
  void onlyTheInclusionListIsRedirectedWhenThereIsOne() {
    try (Echoes servers = echoes(shop.stranger);
        Echoes included = echoes(shop.store)) {
      configure("outboundIPRangeInclusionList", "[" + ranges(shop.store) + "]");

      each(family -> {
        awaitPassed(shop.thief, servers.at(family), "outbound", "not_included");
        Attempt refused = Attempt.from(shop.thief, included.at(family), "hi");
        assertThat(refused.wasReset()).as("on the list: %s", refused).isTrue();
        assertThat(shop.view().record("outbound", refused).path("reason").asText())
            .isEqualTo("no_traffic_target");
      });
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void anInterfaceOnTheListIsLeftAloneBothWays(Family family) {
    InetSocketAddress there =
        new InetSocketAddress(IpAddresses.parse(second(family, 2)), shop.freshPort());
    InetSocketAddress here =
        new InetSocketAddress(IpAddresses.parse(second(family, 1)), shop.freshPort());
    try (TcpServer outside = TcpServer.open(shop.stranger, there, TcpServer::echoAll);
        TcpServer inside = TcpServer.open(shop.thief, here, TcpServer::echoAll)) {
      Attempt out = Attempt.from(shop.thief, there, "hi");
      // Rules refuse what leaves by a second interface, from when the daemon has seen that one.
      assertThat(mechanism.decidesBeforeRouting() ? out.wasReset() : out.wasTurnedAway())
          .as("%s", out)
          .isTrue();
      assertThat(Attempt.from(shop.stranger, here, "hi").wasReset()).isTrue();

      configure("networkInterfaceExclusionList", "[" + SECOND + "]");

      awaitAnswered(shop.thief, there);
      awaitAnswered(shop.stranger, here);
      assertThat(outside.accepted().getLast().peer().getAddress()).isEqualTo(here.getAddress());
      assertThat(inside.accepted()).isNotEmpty();
      assertThat(shop.view().counted(shop.thief, "inbound", "passthrough", "excluded_interface"))
          .isPositive();
    }
  }

  @Test
  void anAnnotationConcernsItsPodAloneAndSparesWhatIsEstablished() {
    try (Echoes servers = echoes(shop.stranger)) {
      assertThat(held).allMatch(Talk::isAlive);

      annotate(shop.buyer, Map.of("sluice.io/outbound-port-exclusion-list", "" + servers.port));

      each(family -> {
        awaitPassed(shop.buyer, servers.at(family), "outbound", "excluded_port");
        assertReset(shop.thief, servers.at(family));
      });
      assertThat(held).allMatch(Talk::isAlive);
    }
  }

  /**
   * What goes through the proxy stays there when its own port is excluded; what is new does not.
   */
  @Test
  void whatIsEstablishedStaysWhenItsOwnPortIsExcluded() {
    try (Echoes servers = echoes(shop.store);
        Talk one = Talk.begin(shop.buyer, servers.at(Family.IPV4));
        Talk other = Talk.begin(shop.buyer, servers.at(Family.IPV6))) {
      List<Talk> established = List.of(one, other);
      assertThat(established).allMatch(Talk::isAlive);
      each(family -> assertReset(shop.stranger, servers.at(family)));

      annotate(shop.store, Map.of("sluice.io/inbound-port-exclusion-list", "" + servers.port));

      each(family -> awaitAnswered(shop.stranger, servers.at(family)));
      assertThat(established).allMatch(Talk::isAlive);
      written = System.nanoTime();
      shop.site.registry().write(shop.store);
      each(family -> awaitRefused(shop.stranger, servers.at(family)));
      assertThat(established).allMatch(Talk::isAlive);
    }
  }

  @Test
  void annotatedRangesActOnTheirPod() {
    try (Echoes servers = echoes(shop.stranger)) {
      each(family -> assertReset(shop.buyer, servers.at(family)));

      annotate(
          shop.buyer, Map.of("sluice.io/outbound-ip-range-exclusion-list", ranges(shop.stranger)));
      each(family -> awaitPassed(shop.buyer, servers.at(family), "outbound", "excluded_range"));
      written = System.nanoTime();
      shop.site.registry().write(shop.buyer);
      each(family -> awaitRefused(shop.buyer, servers.at(family)));

      annotate(
          shop.buyer, Map.of("sluice.io/outbound-ip-range-inclusion-list", ranges(shop.store)));
      each(family -> {
        awaitPassed(shop.buyer, servers.at(family), "outbound", "not_included");
        assertReset(shop.thief, servers.at(family));
      });
    }
  }

  private Echoes echoes(SitePod pod) {
    return new Echoes(pod, shop.freshPort());
  }

  /** After a change that was made once for both. */
  private static void each(Consumer<Family> family) {
    Stream.of(Family.values()).forEach(family);
  }

  private static void assertReset(SitePod from, InetSocketAddress destination) {
    assertThat(Attempt.from(from, destination, "hi").wasReset()).isTrue();
  }

  private void configure(String list, String value) {
    write(Map.of(list, value));
  }

  private void write(Map<String, String> lists) {
    written = System.nanoTime();
    shop.site.registry().write(Shop.MESH_CONFIG, Manifests.meshConfig(false, false, lists));
  }

  private void annotate(SitePod pod, Map<String, String> annotations) {
    written = System.nanoTime();
    shop.site.registry().write("pod-" + pod.name(), Manifests.pod(pod, annotations, List.of()));
  }

  /** Traffic is what counts: the daemon may say sooner that it is done, or later. */
  private void noteTime() {
    Duration time = Duration.ofNanos(System.nanoTime() - written);
    assertThat(time).as("from the change until traffic shows it").isLessThan(AtLoad.limit(LIVE));
    taken.add(time);
  }

  /**
   * Of one address of each family, as annotations have them; MeshConfig reads the same in brackets.
   */
  private static String ranges(SitePod pod) {
    return pod.address(Family.IPV4).getHostAddress()
        + "/32,"
        + pod.address(Family.IPV6).getHostAddress()
        + "/128";
  }

  /** After the change that was written last. */
  private Attempt awaitAnswered(SitePod from, InetSocketAddress destination) {
    Attempt answered =
        Await.value(
            from.name() + " reaches " + destination,
            Await.PATIENCE,
            () -> Optional.of(Attempt.from(from, destination, "hi")).filter(Attempt::answered));
    noteTime();
    return answered;
  }

  private void awaitPassed(
      SitePod from, InetSocketAddress destination, String direction, String reason) {
    awaitAnswered(from, destination);
    long before = shop.view().counted(from, direction, "passthrough", reason);
    long accepted = shop.view().status().path("connectionsAccepted").asLong();
    assertThat(Attempt.from(from, destination, "hi").answered()).isTrue();
    assertThat(shop.view().counted(from, direction, "passthrough", reason)).isEqualTo(before + 1);
    assertThat(shop.view().status().path("connectionsAccepted").asLong())
        .as("not through the proxy")
        .isEqualTo(accepted);
  }

  private void awaitRefused(SitePod from, InetSocketAddress destination) {
    Await.until(
        from.name() + " is refused at " + destination,
        () -> Attempt.from(from, destination, "hi").wasReset());
    noteTime();
  }
}
