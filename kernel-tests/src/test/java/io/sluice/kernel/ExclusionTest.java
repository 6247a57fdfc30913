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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
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
  private final List<TcpServer> heldServers = new ArrayList<>();
  private final List<Talk> held = new ArrayList<>();
  private final List<Duration> taken = new ArrayList<>();
  private long written;

  @BeforeParameterizedClassInvocation
  void openShop() {
    shop = Shop.lent(mechanism);
    shop.site.joinBySecondInterface(shop.thief, shop.stranger);
    for (Family family : Family.values()) {
      give(shop.thief, second(family, 1), family);
      give(shop.stranger, second(family, 2), family);
      TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort());
      heldServers.add(server);
      held.add(Talk.begin(shop.buyer, shop.store.at(family, server.port())));
    }
  }

  @AfterParameterizedClassInvocation
  void assertLiveAndReleaseHeld() {
    taken.sort(null);
    Duration median = taken.isEmpty() ? Duration.ZERO : taken.get(taken.size() / 2);
    taken.clear();
    held.forEach(Talk::close);
    heldServers.forEach(TcpServer::close);
    held.clear();
    heldServers.clear();
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

  @ParameterizedTest
  @EnumSource(Family.class)
  void anOutboundPortOnTheListIsLeftAlone(Family family) {
    try (TcpServer server = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
      InetSocketAddress destination = shop.stranger.at(family, server.port());
      assertThat(Attempt.from(shop.thief, destination, "hi").wasReset()).isTrue();

      configure("outboundPortExclusionList", "[" + server.port() + "]");

      awaitPassed(shop.thief, destination, "outbound", "excluded_port");
      Talk established = Talk.begin(shop.thief, destination);
      try (established) {
        assertThat(established.isAlive()).isTrue();
        write(Map.of());
        awaitRefused(shop.thief, destination);
        assertThat(established.isAlive()).as("what is established stays").isTrue();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void anInboundPortOnTheListIsLeftAlone(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      assertThat(Attempt.from(shop.stranger, destination, "hi").wasReset()).isTrue();

      configure("inboundPortExclusionList", "[" + server.port() + "]");

      Attempt attempt = awaitAnswered(shop.stranger, destination);
      assertThat(server.accepted().getLast().peer()).isEqualTo(attempt.local());
      assertThat(shop.view().counted(shop.store, "inbound", "passthrough", "excluded_port"))
          .isPositive();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void listsOfMeshAndPodAddUpAndTheNeighbourOfAPortIsNotExcludedAHundredTimesEach(Family family) {
    try (TcpServer byMesh = TcpServer.echo(shop.stranger, family, shop.freshPort());
        TcpServer byPod = TcpServer.echo(shop.stranger, family, shop.freshPort());
        TcpServer neighbour = TcpServer.echo(shop.stranger, family, shop.freshPort());
        TcpServer alsoByMesh = TcpServer.echo(shop.store, family, shop.freshPort());
        TcpServer alsoByPod = TcpServer.echo(shop.store, family, shop.freshPort());
        TcpServer beside = TcpServer.echo(shop.store, family, shop.freshPort())) {
      shop.configure(
          false,
          false,
          Map.of(
              "outboundPortExclusionList", "[" + byMesh.port() + "]",
              "inboundPortExclusionList", "[" + alsoByMesh.port() + "]"));
      // Nobody calls before it is in force: for ten seconds after a refused call rules refuse its
      // port.
      shop.change(() ->
          annotate(
              shop.buyer, Map.of("sluice.io/outbound-port-exclusion-list", "" + byPod.port())));
      shop.change(() ->
          annotate(
              shop.store, Map.of("sluice.io/inbound-port-exclusion-list", "" + alsoByPod.port())));

      for (TcpServer excluded : List.of(byMesh, byPod)) {
        assertAnsweredOften(shop.buyer, shop.stranger.at(family, excluded.port()), excluded);
      }
      for (TcpServer excluded : List.of(alsoByMesh, alsoByPod)) {
        assertAnsweredOften(shop.stranger, shop.store.at(family, excluded.port()), excluded);
      }
      assertRefusedOften(shop.buyer, shop.stranger.at(family, neighbour.port()), neighbour);
      assertRefusedOften(shop.stranger, shop.store.at(family, beside.port()), beside);
    }
  }

  /** By the very socket of the client: nothing is between. */
  private static void assertAnsweredOften(
      SitePod from, InetSocketAddress destination, TcpServer server) {
    for (int i = 0; i < TRIES; i++) {
      Attempt attempt = Attempt.from(from, destination, "hi");
      assertThat(attempt.answer()).as("%s, try %s", attempt, i).isEqualTo("hi");
      assertThat(server.accepted().getLast().peer()).isEqualTo(attempt.local());
    }
  }

  private static void assertRefusedOften(
      SitePod from, InetSocketAddress destination, TcpServer server) {
    for (int i = 0; i < TRIES; i++) {
      Attempt attempt = Attempt.from(from, destination, "hi");
      assertThat(attempt.wasReset()).as("%s, try %s", attempt, i).isTrue();
    }
    assertThat(server.accepted()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void anOutboundRangeOnTheListIsLeftAlone(Family family) {
    try (TcpServer server = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
      InetSocketAddress destination = shop.stranger.at(family, server.port());
      assertThat(Attempt.from(shop.thief, destination, "hi").wasReset()).isTrue();

      configure("outboundIPRangeExclusionList", "[\"" + range(shop.stranger, family) + "\"]");

      awaitPassed(shop.thief, destination, "outbound", "excluded_range");
      try (TcpServer neighbour = TcpServer.echo(shop.site.node(), family, server.port())) {
        Attempt beside =
            Attempt.from(shop.thief, shop.site.node().at(family, neighbour.port()), "hi");
        assertThat(beside.wasReset()).as("outside of the range: %s", beside).isTrue();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void onlyTheInclusionListIsRedirectedWhenThereIsOne(Family family) {
    try (TcpServer server = TcpServer.echo(shop.stranger, family, shop.freshPort());
        TcpServer included = TcpServer.echo(shop.store, family, shop.freshPort())) {
      configure("outboundIPRangeInclusionList", "[\"" + range(shop.store, family) + "\"]");

      awaitPassed(shop.thief, shop.stranger.at(family, server.port()), "outbound", "not_included");
      Attempt refused = Attempt.from(shop.thief, shop.store.at(family, included.port()), "hi");
      assertThat(refused.wasReset()).as("on the list: %s", refused).isTrue();
      assertThat(shop.view().record("outbound", refused).path("reason").asText())
          .isEqualTo("no_traffic_target");
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

  @ParameterizedTest
  @EnumSource(Family.class)
  void anAnnotationConcernsItsPodAloneAndSparesWhatIsEstablished(Family family) {
    try (TcpServer server = TcpServer.echo(shop.stranger, family, shop.freshPort());
        TcpServer mesh = TcpServer.echo(shop.store, family, shop.freshPort());
        Talk established = Talk.begin(shop.buyer, shop.store.at(family, mesh.port()))) {
      assertThat(established.isAlive()).isTrue();
      InetSocketAddress destination = shop.stranger.at(family, server.port());
      Map<String, String> annotation =
          Map.of("sluice.io/outbound-port-exclusion-list", "" + server.port());

      annotate(shop.buyer, annotation);

      awaitPassed(shop.buyer, destination, "outbound", "excluded_port");
      assertThat(Attempt.from(shop.thief, destination, "hi").wasReset()).isTrue();
      assertThat(established.isAlive()).isTrue();
    }
  }

  /**
   * What goes through the proxy stays there when its own port is excluded; what is new does not.
   */
  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsEstablishedStaysWhenItsOwnPortIsExcluded(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort());
        Talk established = Talk.begin(shop.buyer, shop.store.at(family, server.port()))) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      assertThat(established.isAlive()).isTrue();
      assertThat(Attempt.from(shop.stranger, destination, "hi").wasReset()).isTrue();

      annotate(shop.store, Map.of("sluice.io/inbound-port-exclusion-list", "" + server.port()));

      awaitAnswered(shop.stranger, destination);
      assertThat(established.isAlive()).isTrue();
      written = System.nanoTime();
      shop.site.registry().write(shop.store);
      awaitRefused(shop.stranger, destination);
      assertThat(established.isAlive()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void annotatedRangesActOnTheirPod(Family family) {
    try (TcpServer server = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
      InetSocketAddress destination = shop.stranger.at(family, server.port());
      assertThat(Attempt.from(shop.buyer, destination, "hi").wasReset()).isTrue();

      annotate(
          shop.buyer,
          Map.of("sluice.io/outbound-ip-range-exclusion-list", range(shop.stranger, family)));
      awaitPassed(shop.buyer, destination, "outbound", "excluded_range");
      written = System.nanoTime();
      shop.site.registry().write(shop.buyer);
      awaitRefused(shop.buyer, destination);

      annotate(
          shop.buyer,
          Map.of("sluice.io/outbound-ip-range-inclusion-list", range(shop.store, family)));
      awaitPassed(shop.buyer, destination, "outbound", "not_included");
      assertThat(Attempt.from(shop.thief, destination, "hi").wasReset()).isTrue();
    }
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

  private static String range(SitePod pod, Family family) {
    return pod.address(family).getHostAddress() + (family == Family.IPV4 ? "/32" : "/128");
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
