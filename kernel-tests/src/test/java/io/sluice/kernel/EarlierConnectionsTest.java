package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.attack.Attack;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.RawTcp;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Connections that a pod had before it was enrolled. */
@Order(22)
@Tag("kernel")
class EarlierConnectionsTest {
  private static final String METRIC = "sluice_enrolment_earlier_connections_total";
  private static final String REASON = "before_enrolment";

  /** The daemon looks twice, a second apart, and once a second whether anything is due. */
  private static final Duration BOTH_LOOKS = Duration.ofMillis(2_500);

  private static final int IPPROTO_UDP = 17;
  private static final int IPPROTO_UDPLITE = 136;

  @AutoClose private static Shop shop;
  @AutoClose private static Shop shopWithRules;

  @BeforeAll
  static void openShops() {
    shop = Shop.lent(Mechanism.EBPF);
    shopWithRules = Shop.lent(Mechanism.IPTABLES);
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
      assertThat(Attempt.from(pod, destination, "again").wasTurnedAway()).isTrue();
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

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(names = {"EBPF", "IPTABLES"})
  void connectedDatagramSocketsAreEndedUnlessTheyMayPass(Mechanism mechanism) {
    Shop where = mechanism == Mechanism.EBPF ? shop : shopWithRules;
    where.configureStrangerAsResolver();
    try {
      assertDatagramsEnded(where, mechanism, Family.IPV4, Family.IPV4);
      assertDatagramsEnded(where, mechanism, Family.IPV6, Family.IPV6);
      assertDatagramsEnded(where, mechanism, Family.IPV6, Family.IPV4); // an IPv4 peer, mapped
    } finally {
      where.configureAsAtFirst();
    }
  }

  private static void assertDatagramsEnded(
      Shop where, Mechanism mechanism, Family family, Family peer) {
    SitePod pod = where.site.addPods("udp-" + family.domain() + "-" + peer.domain()).getFirst();
    boolean hooks = mechanism.hooksConnect();
    double before = where.view().metric(METRIC, "action=\"destroyed\"");
    double failed = where.view().metric(METRIC, "action=\"failed\"");
    try (Datagrams server = Datagrams.echo(where.stranger, peer, where.freshPort());
        Datagrams names = Datagrams.echo(where.stranger, peer, 53);
        Connected refused = Connected.to(pod, family, IPPROTO_UDP, server.address());
        Connected lite =
            Connected.to(pod, family, IPPROTO_UDPLITE, where.stranger.at(peer, where.freshPort()));
        Connected dns = Connected.to(pod, family, IPPROTO_UDP, names.address())) {
      refused.send("before");
      Await.until("it has arrived", () -> server.received().equals(List.of("before")));

      enrol(where, pod);

      assertThat(refused.error()).isEqualTo(Errno.ECONNABORTED.number());
      assertThatThrownBy(() -> refused.send("after")).isInstanceOf(LinuxException.class);
      assertThat(dns.error()).isZero();
      dns.send("who?");
      Await.until("the question has arrived", () -> names.received().equals(List.of("who?")));
      assertThat(server.received()).containsExactly("before");
      assertThat(where.view().metric(METRIC, "action=\"destroyed\"")).isEqualTo(before + 1);
      assertThat(where.view().events(0, pod, REASON))
          .extracting(
              event -> event.path("protocol").asText() + " " + event.path("verdict").asText())
          .containsExactlyElementsOf(
              hooks ? List.of("udp refused", "udp-lite passthrough") : List.of("udp refused"));
      // The kernel ends no socket of UDP-Lite, which beside hooks is told; its packets are refused.
      assertThat(where.view().metric(METRIC, "action=\"failed\""))
          .isEqualTo(failed + (hooks ? 1 : 0));
      assertThat(lite.error()).isZero();
      assertThat(where.view().counted(pod, "outbound", "refused", "protocol_refused")).isZero();
      try {
        lite.send("after");
      } catch (LinuxException e) {
        assertThat(e.errno()).isEqualTo(Errno.EPERM); // over IPv6 the kernel keeps it to itself
      }
      assertThat(where.view().counted(pod, "outbound", "refused", "protocol_refused")).isOne();
    }
    Attack.tried(
            "send() on a UDP socket connected before enrolment, "
                + mechanism.mode()
                + ", "
                + (family == peer ? family : "mapped IPv4"))
        .refusedBy("sock_diag: the socket is ended, ECONNABORTED")
        .countedAs(METRIC + "{action=\"destroyed\"}; event before_enrolment");
  }

  /** A connected datagram socket inside a pod. */
  private record Connected(int fd) implements AutoCloseable {
    static Connected to(SitePod pod, Family family, int protocol, InetSocketAddress server) {
      int fd =
          pod.call(() ->
              Sockets.socket(
                  family.domain(), Sockets.SOCK_DGRAM | Sockets.SOCK_NONBLOCK, protocol));
      Sockets.connect(fd, server);
      return new Connected(fd);
    }

    void send(String text) {
      Sockets.write(fd, ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
    }

    int error() {
      return Sockets.error(fd);
    }

    @Override
    public void close() {
      Sockets.close(fd);
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
