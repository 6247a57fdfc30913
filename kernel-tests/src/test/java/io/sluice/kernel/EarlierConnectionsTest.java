package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.kernel.site.Attempt;
import io.sluice.kernel.site.Await;
import io.sluice.kernel.site.Manifests;
import io.sluice.kernel.site.RawTcp;
import io.sluice.kernel.site.SitePod;
import io.sluice.kernel.site.Talk;
import io.sluice.kernel.site.TcpServer;
import io.sluice.linux.Errno;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Connections that a pod had before it was enrolled. */
@Tag("kernel")
class EarlierConnectionsTest {
  private static final String METRIC = "sluice_enrolment_earlier_connections_total";
  private static final String REASON = "before_enrolment";

  /** The daemon looks twice, a second apart, and once a second whether anything is due. */
  private static final Duration BOTH_LOOKS = Duration.ofMillis(2_500);

  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.open(Mechanism.EBPF);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aStrictMeshDestroysThemInBothDirections(Family family) {
    SitePod pod = shop.site.addPods("late-" + family.name().toLowerCase(Locale.ROOT)).getFirst();
    double before = shop.view().metric(METRIC, "action=\"destroyed\"");
    try (TcpServer inside = TcpServer.echo(pod, family, shop.freshPort());
        TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort());
        Talk outbound = Talk.begin(pod, shop.stranger.at(family, outside.port()));
        Talk inbound = Talk.begin(shop.stranger, pod.at(family, inside.port()));
        Talk own = Talk.begin(pod, pod.at(family, inside.port()))) {
      assertThat(List.of(outbound, inbound, own)).allMatch(Talk::isAlive);

      enrol(shop, pod);

      assertThat(outbound.isAlive()).isFalse();
      assertThat(inbound.isAlive()).isFalse();
      assertThat(own.isAlive()).as("the pod talking to itself").isTrue();
      InetSocketAddress destination = shop.stranger.at(family, outside.port());
      assertThat(Attempt.from(pod, destination, "again").wasRefused()).isTrue();
      assertThat(shop.view().metric(METRIC, "action=\"destroyed\"")).isEqualTo(before + 2);
      assertThat(shop.view().events(0, pod, REASON))
          .extracting(event -> event.path("direction").asText())
          .containsExactlyInAnyOrder("outbound", "inbound");
      assertThat(shop.view().events(0, pod, REASON))
          .allMatch(event -> event.path("verdict").asText().equals("refused"));
      assertThat(earlierConnections(shop, pod)).isZero();
    }
  }

  @Test
  void ipv4ConnectionsOfIpv6SocketsAreDestroyedToo() {
    SitePod pod = shop.site.addPods("mapped").getFirst();
    try (TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort());
        RawTcp mapped =
            RawTcp.connect(
                pod, Family.IPV6, shop.stranger.at(Family.IPV4, outside.port()), socket -> {})) {
      assertThat(mapped.exchange("before")).isEqualTo("before");

      enrol(shop, pod);

      assertThat(shop.view().events(0, pod, REASON)).hasSize(1);
      assertThat(Sockets.error(mapped.fd())).isEqualTo(Errno.ECONNABORTED.number());
    }
  }

  @Test
  void excludedOnesLiveOnThroughEnrolmentAndAdoption() {
    SitePod pod = shop.site.addPods("exempt").getFirst();
    try (TcpServer inside = TcpServer.echo(pod, Family.IPV4, shop.freshPort());
        TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort());
        Talk outbound = Talk.begin(pod, shop.stranger.at(Family.IPV4, outside.port()));
        Talk inbound = Talk.begin(shop.stranger, pod.at(Family.IPV4, inside.port()))) {
      shop.configure(
          false,
          false,
          Map.of(
              "outboundPortExclusionList", "[" + outside.port() + "]",
              "inboundPortExclusionList", "[" + inside.port() + "]"));

      enrol(shop, pod);
      awaitBothLooks();

      assertThat(outbound.isAlive()).isTrue();
      assertThat(inbound.isAlive()).isTrue();
      assertThat(shop.view().events(0, pod, REASON)).isEmpty();

      // What was open when its exclusion ended lives on, also when another daemon takes over.
      shop.configureAsAtFirst();
      shop.daemon().kill();
      shop.daemon().start();
      awaitBothLooks();

      assertThat(outbound.isAlive()).isTrue();
      assertThat(inbound.isAlive()).isTrue();
    } finally {
      shop.configureAsAtFirst();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void connectionsThroughTheProxyAreNoneOfThem(Family family) {
    SitePod pod = shop.site.addPods("fresh-" + family.name().toLowerCase(Locale.ROOT)).getFirst();
    shop.change(() ->
        shop.site
            .registry()
            .write(
                "fresh-" + family,
                Manifests.trafficTarget("buyer", pod.name(), List.of())
                    + "---\n"
                    + Manifests.trafficTarget(pod.name(), "store", List.of())));
    double before = shop.view().metric(METRIC, "action=\"destroyed\"");
    try (TcpServer inside = TcpServer.echo(pod, family, shop.freshPort());
        TcpServer store = TcpServer.echo(shop.store, family, shop.freshPort())) {
      enrol(shop, pod);
      try (Talk outbound = Talk.begin(pod, shop.store.at(family, store.port()));
          Talk inbound = Talk.begin(shop.buyer, pod.at(family, inside.port()))) {
        awaitBothLooks();

        assertThat(outbound.isAlive()).isTrue();
        assertThat(inbound.isAlive()).isTrue();
      }
    }
    assertThat(shop.view().metric(METRIC, "action=\"destroyed\"")).isEqualTo(before);
  }

  @Test
  void theyLiveOnWhereTheOperatorKeepsThem() {
    try (Shop keeping = Shop.open(Mechanism.EBPF, "--earlier-connections", "keep")) {
      SitePod pod = keeping.site.addPods("late").getFirst();
      try (TcpServer outside = TcpServer.echo(keeping.stranger, Family.IPV4, keeping.freshPort());
          Talk outbound = Talk.begin(pod, keeping.stranger.at(Family.IPV4, outside.port()))) {
        enrol(keeping, pod);
        awaitBothLooks();

        assertThat(outbound.isAlive()).isTrue();
        assertThat(earlierConnections(keeping, pod)).isEqualTo(1);
        assertThat(keeping.view().metric(METRIC, "action=\"kept\"")).isEqualTo(1);
        assertThat(keeping.view().metric(METRIC, "action=\"destroyed\"")).isZero();
        assertThat(keeping.view().events(0, pod, REASON))
            .hasSize(1)
            .allMatch(event -> event.path("verdict").asText().equals("passthrough"));
      }
    }
  }

  @Test
  void theyLiveOnForAWhileInAPermissiveMeshUntilItBecomesStrict() {
    shop.configure(true, false, Map.of());
    SitePod pod = shop.site.addPods("guest").getFirst();
    try (TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort());
        Talk outbound = Talk.begin(pod, shop.stranger.at(Family.IPV4, outside.port()))) {
      enrol(shop, pod);
      awaitBothLooks();
      assertThat(outbound.isAlive()).isTrue();
      assertThat(earlierConnections(shop, pod)).isEqualTo(1);

      shop.configureAsAtFirst();

      Await.until("it is destroyed", () -> !outbound.isAlive());
      Await.until("none is counted", () -> earlierConnections(shop, pod) == 0);
    } finally {
      shop.configureAsAtFirst();
    }
  }

  private static void enrol(Shop shop, SitePod pod) {
    shop.change(() -> shop.site.registry().write(pod));
    Await.until(pod.name() + " is enrolled", () -> shop.view().stateOf(pod).equals("enrolled"));
  }

  private static int earlierConnections(Shop shop, SitePod pod) {
    return shop.view().pods().stream()
        .filter(entry -> entry.path("pod").asText().equals(pod.meshName()))
        .map((JsonNode entry) -> entry.path("earlierConnections").asInt(-1))
        .findFirst()
        .orElseThrow();
  }

  private static void awaitBothLooks() {
    long begin = System.nanoTime();
    Await.until(
        "the daemon has looked twice", () -> System.nanoTime() - begin > BOTH_LOOKS.toNanos());
  }
}
