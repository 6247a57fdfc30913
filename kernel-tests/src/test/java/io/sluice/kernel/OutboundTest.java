package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.attack.Attack;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Https;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.RawTcp;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.lab.traffic.SteadyTraffic;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.LocalProxyMode;
import io.sluice.mesh.LoopbackRange;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What happens to connections that an enrolled pod opens. */
@Tag("kernel")
@ParameterizedClass
@EnumSource(Mechanism.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OutboundTest {
  /** From the change of the folder to its effect on new connections. */
  private static final Duration FLIP_LIMIT = Duration.ofSeconds(5);

  private static final int CALLS_PER_SECOND = 50;
  private static final int HELD = 4;

  private static final String PORT_RANGE = "net/ipv4/ip_local_port_range";

  @Parameter private Mechanism mechanism = Mechanism.EBPF;
  private Shop shop;
  private Https https;

  @BeforeParameterizedClassInvocation
  void openShop() {
    // All is led by the proxy, as it is anyway where rules intercept.
    shop =
        mechanism == Mechanism.EBPF
            ? Shop.lent(mechanism, "--fast-path", "false")
            : Shop.lent(mechanism);
    shop.forgetEndedConnections(mechanism);
    https = Https.in(shop.site.directory());
  }

  @AfterParameterizedClassInvocation
  void closeShop() {
    shop.close();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aServiceAddressLeadsToItsEndpointThroughTheProxy(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
      Attempt attempt = Attempt.from(shop.buyer, shop.service(family), "one book");

      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("one book");
      assertThat(server.accepted()).as("exactly one accept").hasSize(1);
      JsonNode record = shop.view().record("outbound", attempt);
      assertThat(record.path("original_destination").asText())
          .isEqualTo(IpAddresses.text(shop.service(family)));
      assertThat(record.path("upstream").asText())
          .isEqualTo(IpAddresses.text(shop.store.at(family, Shop.STORE_PORT)));
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aPodAddressIsReachedThroughTheProxyOnAnyPort(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      Attempt attempt = Attempt.from(shop.buyer, destination, "one book");

      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("one book");
      assertThat(server.accepted()).as("exactly one accept").hasSize(1);
      assertThat(shop.view().record("outbound", attempt).path("original_destination").asText())
          .isEqualTo(IpAddresses.text(destination));
      assertThat(shop.view().record("inbound", attempt).path("original_destination").asText())
          .isEqualTo(IpAddresses.text(destination));
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void anAddressBeyondTheMeshNeedsEgressWhoseSwitchActsInTimeAndTouchesNothingInside(Family family)
      throws Exception {
    InetSocketAddress secure = shop.outside(family, shop.freshPort());
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
        TcpServer outside =
            TcpServer.open(
                shop.stranger, shop.outside(family, shop.freshPort()), TcpServer::echoAll);
        TcpServer site = https.serve(shop.stranger, secure);
        NetnsHandle buyer = shop.buyer.open();
        SteadyTraffic inside =
            SteadyTraffic.begin(buyer, List.of(shop.service(family)), CALLS_PER_SECOND, HELD)) {
      InetSocketAddress destination = shop.outside(family, outside.port());
      assertThat(Attempt.from(shop.buyer, destination, "letter").wasReset()).isTrue();
      assertThat(https.get(shop.buyer, secure)).isEmpty();
      assertThat(outside.accepted()).isEmpty();

      long on = System.nanoTime();
      shop.configure(false, true, Map.of());
      Attempt attempt = Attempt.from(shop.buyer, destination, "letter");
      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("letter");
      assertThat(https.get(shop.buyer, secure)).isEqualTo("HTTP/1.1 200 OK");
      assertFlippedSince(on);
      assertThat(outside.accepted().getFirst().peer().getAddress())
          .as("the pod's own address is seen outside")
          .isEqualTo(shop.buyer.address(family));

      long off = System.nanoTime();
      shop.configureAsAtFirst();
      assertThat(Attempt.from(shop.buyer, destination, "letter").wasReset()).isTrue();
      assertThat(https.get(shop.buyer, secure)).isEmpty();
      assertFlippedSince(off);

      assertThat(List.of(outside.accepted().size(), site.accepted().size())).containsOnly(1);
      SteadyTraffic.Counts counts = inside.end();
      assertThat(counts.isFlawless()).as("%s", counts).isTrue();
      assertThat(server.accepted()).hasSizeGreaterThan(HELD);
    } finally {
      shop.configureAsAtFirst();
    }
  }

  private static void assertFlippedSince(long change) {
    assertThat(Duration.ofNanos(System.nanoTime() - change)).isLessThan(FLIP_LIMIT);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void bothApplicationsSeeTrueAddresses(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
        RawTcp client = RawTcp.connect(shop.buyer, shop.service(family))) {
      client.exchange("hello");

      assertThat(client.peer()).as("getpeername").isEqualTo(shop.service(family));
      assertThat(client.local().getAddress())
          .as("getsockname")
          .isEqualTo(shop.buyer.address(family));
      TcpServer.Accepted accepted = server.accepted().getFirst();
      assertThat(accepted.peer().getAddress()).as("accept").isEqualTo(client.local().getAddress());
      if (mechanism.showsPortsOfClients()) {
        assertThat(accepted.peer()).as("accept").isEqualTo(client.local());
      }
      assertThat(accepted.local())
          .as("the server's getsockname")
          .isEqualTo(shop.store.at(family, Shop.STORE_PORT));
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aPodReachesItselfByItsOwnAddress(Family family) {
    try (TcpServer server = TcpServer.echo(shop.thief, family, shop.freshPort())) {
      Attempt attempt = Attempt.from(shop.thief, shop.thief.at(family, server.port()), "me");

      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("me");
      assertThat(server.accepted()).as("exactly one accept").hasSize(1);
      assertThat(server.accepted().getFirst().peer()).isEqualTo(attempt.local());
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aPodReachesItselfThroughItsOwnService(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
      Attempt attempt = Attempt.from(shop.store, shop.service(family), "me");

      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("me");
      assertThat(server.accepted()).as("exactly one accept").hasSize(1);
      assertThat(shop.view().record("outbound", attempt).path("reason").asText())
          .isEqualTo("same_workload");
    }
  }

  @Test
  void anApplicationIsReachedWhereItListensAsTheModeSays() {
    Map<String, String> word = Map.of("sluice.io/local-proxy-mode", "Localhost");
    String saysLocalhost = Manifests.pod(shop.store, word, List.of());
    try {
      assertReached("where nobody says anything", true);
      shop.configureLocalProxy(LocalProxyMode.POD_IP);
      assertReached("where the mesh says PodIP", false);
      shop.change(() -> shop.site.registry().write("pod-store", saysLocalhost));
      assertReached("where the pod says Localhost", true);
    } finally {
      shop.change(() -> shop.site.registry().write(shop.store));
      shop.configureAsAtFirst();
    }
  }

  private void assertReached(String where, boolean onLoopback) {
    for (Family family : Family.values()) {
      String every = family == Family.IPV4 ? "0.0.0.0" : "::";
      String loopback = family == Family.IPV4 ? "127.0.0.1" : "::1";
      String own = IpAddresses.text(shop.store.address(family));
      assertThat(answersAt(every, Shop.STORE_PORT, family)).as("%s %s", every, where).isTrue();
      assertThat(answersAt(own, Shop.STORE_PORT, family)).as("%s %s", own, where).isTrue();
      assertThat(answersAt(loopback, Shop.STORE_PORT, family))
          .as("%s %s", loopback, where)
          .isEqualTo(onLoopback);
      assertThat(answersAt(loopback, shop.freshPort(), family)).as("without a Service").isFalse();
    }
  }

  /** Whether an application of the store that is bound so is reached by every way there is. */
  private boolean answersAt(String address, int port, Family family) {
    InetSocketAddress bound = new InetSocketAddress(IpAddresses.parse(address), port);
    try (TcpServer server = TcpServer.open(shop.store, bound, TcpServer::echoAll)) {
      Attempt byPod = Attempt.from(shop.buyer, shop.store.at(family, port), "hello");
      assertThat(byPod.answered() || byPod.wasReset()).as("%s", byPod).isTrue();
      if (byPod.answered() && mechanism.hooksConnect()) {
        assertThat(server.accepted().getFirst().peer()).isEqualTo(byPod.local());
      }
      Attempt thief = Attempt.from(shop.thief, shop.store.at(family, port), "hello");
      assertThat(thief.wasReset()).as("%s", thief).isTrue();
      if (port == Shop.STORE_PORT) {
        for (SitePod caller : List.of(shop.buyer, shop.store)) {
          Attempt byService = Attempt.from(caller, shop.service(family), "hello");
          assertThat(byService.answered()).as("%s", byService).isEqualTo(byPod.answered());
        }
      }
      return byPod.answered();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void everyPortOfEveryServiceOfOnePodLeadsToItsOwn(Family family) {
    shop.change(
        () -> writeTwoPorts("orders", "10.99.0.21", "fd99::21", 7001),
        () -> writeTwoPorts("returns", "10.99.0.22", "fd99::22", 7003),
        () -> writeTwoPorts("peers", "None", "None", 7005));
    try {
      for (int target = 7001; target <= 7006; target++) {
        String service = List.of("orders", "returns", "peers").get((target - 7001) / 2);
        InetSocketAddress called =
            service.equals("peers")
                ? shop.store.at(family, target)
                : at(family, service.equals("orders") ? 21 : 22, 81 + target % 2);
        try (TcpServer server = TcpServer.echo(shop.store, family, target)) {
          Attempt attempt = Attempt.from(shop.buyer, called, service);

          assertThat(attempt.answer()).as("%s at %s", attempt, called).isEqualTo(service);
          assertThat(server.accepted()).as("exactly one accept").hasSize(1);
        }
      }
    } finally {
      shop.change(
          Stream.of("orders", "returns", "peers")
              .<Runnable>map(name -> () -> shop.site.registry().remove(name))
              .toArray(Runnable[]::new));
    }
  }

  /** A port of the cluster IP with this number. */
  private static InetSocketAddress at(Family family, int number, int port) {
    String network = family == Family.IPV4 ? "10.99.0." : "fd99::";
    return new InetSocketAddress(IpAddresses.parse(network + number), port);
  }

  private void writeTwoPorts(String name, String ipv4, String ipv6, int target) {
    shop.site.registry().write(name, twoPorts(name, ipv4, ipv6, target));
  }

  /** In front of the store: port 82 leads to {@code target}, 81 to the one after it. */
  private static String twoPorts(String name, String ipv4, String ipv6, int target) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: %s}
    spec:
      clusterIP: "%s"
      clusterIPs: ["%s", "%s"]
      selector: {app: store}
      ports: [{name: tcp-a, port: 82, targetPort: %s}, {name: tcp-b, port: 81, targetPort: %s}]
    """
        .formatted(name, Manifests.NAMESPACE, ipv4, ipv4, ipv6, target, target + 1);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void loopbackIsThePodsOwnBusinessOnThePortsOfTheMeshToo(Family family) {
    for (int port : new int[] {15_001, 15_006, 15_008, 15_009}) {
      InetSocketAddress own =
          new InetSocketAddress(
              IpAddresses.parse(family == Family.IPV4 ? "127.0.0.1" : "::1"), port);
      try (TcpServer server = TcpServer.open(shop.thief, own, TcpServer::echoAll)) {
        Attempt attempt = Attempt.from(shop.thief, own, "me");

        assertThat(attempt.answered()).as("%s on port %s", attempt, port).isTrue();
        assertThat(server.accepted()).hasSize(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aServerThatSpeaksFirstIsHeardWithoutAByteFromTheClient(Family family) {
    TcpServer.Conversation greeting = TcpServer.greeting("220 store ready");
    InetSocketAddress address = shop.store.at(family, shop.freshPort());
    try (TcpServer server = TcpServer.open(shop.store, address, greeting);
        RawTcp client = RawTcp.connect(shop.buyer, address)) {
      assertThat(client.receive(15)).isEqualTo("220 store ready");
      assertThat(server.accepted()).hasSize(1);
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aDeadPortIsAResetAndSaysSo(Family family) {
    InetSocketAddress dead = shop.store.at(family, shop.freshPort());
    Attempt attempt = Attempt.from(shop.buyer, dead, "anyone?");

    assertThat(attempt.wasReset()).as("%s", attempt).isTrue();
    assertThat(attempt.time()).isLessThan(Attempt.TIMEOUT.dividedBy(5));
    JsonNode record = shop.view().record("inbound", attempt);
    assertThat(record.path("close").asText()).isEqualTo("connect_failure");
    assertThat(record.path("close_reason").asText()).isEqualTo("upstream_refused");
  }

  @Test
  void aServicePortThatDoesNotExistIsRefusedWithItsReason() {
    InetSocketAddress wrong =
        new InetSocketAddress(shop.service(Family.IPV4).getAddress(), Shop.SERVICE_PORT + 1);
    Attempt attempt = Attempt.from(shop.buyer, wrong, "anyone?");

    assertThat(attempt.wasReset()).as("%s", attempt).isTrue();
    assertThat(shop.view().record("outbound", attempt).path("reason").asText())
        .isEqualTo("unknown_service_port");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void oneSourcePortServesTwoDestinations(Family family) {
    try (TcpServer one = TcpServer.echo(shop.store, family, shop.freshPort());
        TcpServer two = TcpServer.echo(shop.store, family, shop.freshPort())) {
      InetSocketAddress source = shop.buyer.at(family, shop.freshPort());
      try (RawTcp first = fromSource(source, one, family);
          RawTcp second = fromSource(source, two, family)) {
        assertThat(first.exchange("one")).isEqualTo("one");
        assertThat(second.exchange("two")).isEqualTo("two");
        assertThat(second.peer()).isEqualTo(shop.store.at(family, two.port()));
        assertThat(second.local()).isEqualTo(source);
      }
    }
  }

  private RawTcp fromSource(InetSocketAddress source, TcpServer server, Family family) {
    return RawTcp.connect(
        shop.buyer,
        family,
        shop.store.at(family, server.port()),
        fd -> {
          Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);
          Sockets.bind(fd, source);
        });
  }

  /** To each destination alone the range suffices, for the pod's sockets and the proxy's. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void aPodHasMoreConnectionsThanEphemeralPorts(Family family) {
    List<TcpServer> servers = new ArrayList<>();
    List<RawTcp> clients = new ArrayList<>();
    shop.buyer.sysctl(PORT_RANGE, "50000 50049");
    try {
      for (int server = 0; server < 6; server++) {
        servers.add(TcpServer.echo(shop.store, family, shop.freshPort()));
        for (int call = 0; call < 20; call++) {
          clients.add(RawTcp.connect(shop.buyer, shop.store.at(family, servers.getLast().port())));
        }
      }
      for (RawTcp client : clients) {
        assertThat(client.exchange("hello")).isEqualTo("hello");
      }
    } finally {
      clients.forEach(RawTcp::close);
      servers.forEach(TcpServer::close);
      shop.buyer.sysctl(PORT_RANGE, "32768 60999");
    }
  }

  /**
   * Where a route makes it loopback the kernel takes it from anybody, unlike 127.0.0.0/8 and ::1.
   */
  @Tag("attack")
  @Test
  void theRangeOfRedirectedConnectionsIsClosedToNeighbours() {
    InetSocketAddress every = new InetSocketAddress(IpAddresses.parse("::"), shop.freshPort());
    InetSocketAddress called =
        new InetSocketAddress(IpAddresses.parse("100:0:0:1::1234:5678"), every.getPort());
    String route =
        "nsenter --net=%s ip -6 route %%s %s via %s dev eth0"
            .formatted(
                shop.stranger.path(),
                LoopbackRange.IPV6,
                IpAddresses.text(shop.store.address(Family.IPV6)));
    Commands.run(route.formatted("add").split(" "));
    try (TcpServer server = TcpServer.open(shop.store, every, TcpServer::echoAll)) {
      Attempt attempt = Attempt.from(shop.stranger, called, "anyone?");

      assertThat(attempt.answered()).as("%s", attempt).isFalse();
      assertThat(server.accepted()).isEmpty();
    } finally {
      Commands.run(route.formatted("del").split(" "));
    }
    Attack.tried("a pod's loopback range of IPv6 called by a neighbour")
        .refusedBy("steering: no hook has sent it there; rules: as any call of the pod")
        .countedAs("nothing: it is no traffic of the mesh");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aPodOutsideTheMeshIsLeftAlone(Family family) {
    long before = shop.view().status().path("connectionsAccepted").asLong();
    try (TcpServer server = TcpServer.echo(shop.site.node(), family, shop.freshPort())) {
      Attempt attempt =
          Attempt.from(shop.stranger, shop.site.node().at(family, server.port()), "hello");

      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("hello");
      assertThat(shop.view().status().path("connectionsAccepted").asLong()).isEqualTo(before);
      assertThat(shop.view().dump("verdict_counters"))
          .noneMatch(row -> row.getOrDefault("pod", "").startsWith("netns:"));
    }
  }
}
