package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.attack.Attack;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshPorts;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What happens to connections that arrive at an enrolled pod. */
@Tag("kernel")
@ParameterizedClass
@EnumSource(Mechanism.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InboundTest {
  private static final int[] MESH_PORTS = {15_001, 15_006, 15_008, 15_009};
  private static final int PROBE_PORT = 9_090;

  /** Within a second the first repetition of a segment would have been answered too. */
  private static final int UNANSWERED_MILLISECONDS = 1_500;

  private static final String LISTENING = "0A"; // TCP_LISTEN in /proc/net/tcp

  @Parameter private Mechanism mechanism = Mechanism.EBPF;
  private Shop shop;

  @BeforeParameterizedClassInvocation
  void openShop() {
    shop = Shop.lent(mechanism);
    String pod = Manifests.pod(shop.store, Map.of(), List.of(PROBE_PORT));
    shop.change(() -> shop.site.registry().write("pod-store", pod));
  }

  @AfterParameterizedClassInvocation
  void closeShop() {
    shop.close();
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aStrangerIsRefusedUnderStrictPolicyAndKnownUnderPermissive(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      Attempt refused = Attempt.from(shop.stranger, destination, "hello");
      assertThat(refused.wasReset()).as("%s", refused).isTrue();
      assertThat(server.accepted()).isEmpty();
      assertThat(shop.view().record("inbound", refused).path("reason").asText())
          .isEqualTo("source_not_in_mesh");

      shop.configure(true, false, Map.of());
      Attempt allowed = Attempt.from(shop.stranger, destination, "hello");

      assertThat(allowed.answer()).as("%s", allowed).isEqualTo("hello");
      assertThat(server.accepted()).as("exactly one accept").hasSize(1);
      InetSocketAddress peer = server.accepted().getFirst().peer();
      assertThat(peer.getAddress()).isEqualTo(allowed.local().getAddress());
      if (mechanism.showsPortsOfClients()) {
        assertThat(peer).isEqualTo(allowed.local());
      }
      assertThat(server.accepted().getFirst().local()).isEqualTo(destination);
    } finally {
      shop.configureAsAtFirst();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aSecondAddressOfThePodIsReachedByOneConnectionAndNoLoop(Family family) {
    String second = family == Family.IPV4 ? "10.77.200.1" : "fd77::c8:1";
    String length = family == Family.IPV4 ? "/16 dev eth0" : "/64 dev eth0 nodad";
    Commands.ip(shop.store.netns(), List.of("addr add " + second + length));
    String pod = Manifests.pod(shop.store, Map.of(), List.of(PROBE_PORT));
    String withBoth = pod.replace("\"}]}", "\"}, {ip: \"" + second + "\"}]}");
    shop.change(() -> shop.site.registry().write("pod-store", withBoth));
    InetSocketAddress destination =
        new InetSocketAddress(IpAddresses.parse(second), shop.freshPort());
    long before = shop.view().status().path("connectionsAccepted").asLong();
    try (TcpServer server = TcpServer.open(shop.store, destination, TcpServer::echoAll)) {
      Attempt attempt = Attempt.from(shop.buyer, destination, "hello");

      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("hello");
      assertThat(server.accepted()).as("exactly one accept").hasSize(1);
      assertThat(shop.view().status().path("connectionsAccepted").asLong() - before)
          .as("one at each end")
          .isEqualTo(2);
      assertThat(shop.view().record("inbound", attempt).path("original_destination").asText())
          .isEqualTo(IpAddresses.text(destination));
    } finally {
      shop.change(() -> shop.site.registry().write("pod-store", pod));
      Commands.ip(shop.store.netns(), List.of("addr del " + second + length.replace(" nodad", "")));
    }
  }

  /** Both sides tell of it, however many hops it takes. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void aCallWithinTheNodeIsCountedOnceAtEachEndAndTakesOneHopWhereSteered(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      long out = shop.view().counted(shop.buyer, "outbound", "redirected", "mesh_traffic");
      long in = shop.view().counted(shop.store, "inbound", "redirected", "mesh_traffic");
      long live = shop.view().status().path("connectionsLive").asLong();
      Talk talk = Talk.begin(shop.buyer, destination);
      try (talk) {
        assertThat(talk.exchange("hello")).isEqualTo("hello");

        assertThat(shop.view().status().path("connectionsLive").asLong() - live).isEqualTo(2);
        assertThat(established(server.port())).isEqualTo(mechanism.steers() ? 1 : 2);
        assertThat(server.accepted().getFirst().peer().getAddress())
            .isEqualTo(talk.local().getAddress());
      }
      for (String direction : List.of("outbound", "inbound")) {
        JsonNode record = shop.view().record(direction, talk);
        assertThat(record.path("bytes_sent").asInt()).isEqualTo(5);
        assertThat(record.path("bytes_received").asInt()).isEqualTo(5);
        assertThat(record.path("close").asText()).isEqualTo("fin");
        assertThat(record.path("source_workload").asText()).isEqualTo("shop/buyer");
      }
      assertThat(shop.view().counted(shop.buyer, "outbound", "redirected", "mesh_traffic") - out)
          .isEqualTo(1);
      assertThat(shop.view().counted(shop.store, "inbound", "redirected", "mesh_traffic") - in)
          .isEqualTo(1);
    }
  }

  /** Of the application and of who calls it, inside its pod. */
  private long established(int port) {
    return Commands.run(
            "ip", "netns", "exec", shop.store.netns(), "ss", "-Htn", "state", "established")
        .lines()
        .filter(line -> line.matches(".*:" + port + "\\b.*"))
        .count();
  }

  /** So a network policy of the cluster's own holds, which is enforced there. */
  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void aCallWithinTheNodeTakesTheWayBetweenThePods(Family family) {
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      String route = "route %s blackhole " + IpAddresses.text(destination.getAddress());
      Commands.ip(shop.buyer.netns(), List.of(route.formatted("add")));
      try {
        assertThat(Attempt.from(shop.buyer, destination, "hello").answered()).isFalse();
        assertThat(server.accepted()).isEmpty();
      } finally {
        Commands.ip(shop.buyer.netns(), List.of(route.formatted("del")));
      }
      assertThat(Attempt.from(shop.buyer, destination, "hello").answered()).isTrue();
    }
    Attack.tried(
            "a call to a pod of the node past what the network has between them, %s, %s"
                .formatted(mechanism.mode(), family))
        .refusedBy("the kernel: the proxy calls from inside the caller's namespace")
        .countedAs("sluice_proxy_connections_refused_total{reason=\"upstream_unreachable\"}");
  }

  /** One that rejects looks as if nobody listened, and loopback would answer then. */
  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void whatTheNetworkRejectsBetweenThePodsDoesNotReachLoopback(Family family) {
    String every = family == Family.IPV4 ? "0.0.0.0" : "::";
    InetSocketAddress bound = new InetSocketAddress(IpAddresses.parse(every), Shop.STORE_PORT);
    InetSocketAddress called = shop.store.at(family, Shop.STORE_PORT);
    try (TcpServer server = TcpServer.open(shop.store, bound, TcpServer::echoAll)) {
      inStore("nft", "add table inet network");
      try {
        inStore(
            "nft",
            "add chain inet network arriving { type filter hook prerouting priority -310; }");
        inStore(
            "nft",
            "add rule inet network arriving iifname eth0 tcp dport "
                + Shop.STORE_PORT
                + " reject with tcp reset");

        assertThat(Attempt.from(shop.buyer, called, "hello").answered()).isFalse();
        assertThat(server.accepted()).isEmpty();
      } finally {
        inStore("nft", "delete table inet network");
      }
      assertThat(Attempt.from(shop.buyer, called, "hello").answered()).isTrue();
    }
    Attack.tried(
            "a call to a pod of the node that a network policy rejects, %s, %s"
                .formatted(mechanism.mode(), family))
        .refusedBy("the network: without a way to the listener nobody connects inside the pod")
        .countedAs("sluice_proxy_connections_refused_total{reason=\"upstream_refused\"}");
  }

  private void inStore(String program, String arguments) {
    Commands.run("ip", "netns", "exec", shop.store.netns(), program, arguments);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aPodReachesItselfFromAnotherOfItsAddresses(Family family) {
    String other = family == Family.IPV4 ? "10.77.200.1" : "fd77::c801";
    String assignment = other + (family == Family.IPV4 ? "/16" : "/64 nodad") + " dev eth0";
    InetSocketAddress source = new InetSocketAddress(IpAddresses.parse(other), shop.freshPort());
    Commands.ip(shop.store.netns(), List.of("addr add " + assignment));
    shop.change(() ->
        shop.site.registry().write("pod-store", Manifests.pod(shop.store, source.getAddress())));
    try (TcpServer server = TcpServer.echo(shop.store, family, shop.freshPort())) {
      Attempt attempt =
          shop.store.call(() -> {
            try (SocketChannel channel = SocketChannel.open(family.protocol())) {
              channel.bind(source);
              return Attempt.of(
                  shop.store, channel, shop.store.at(family, server.port()), "it is me");
            }
          });

      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("it is me");
      assertThat(server.accepted().getFirst().peer()).as("nobody between").isEqualTo(source);
    } finally {
      Commands.ip(shop.store.netns(), List.of("addr del " + assignment.replace(" nodad", "")));
      String before = Manifests.pod(shop.store, Map.of(), List.of(PROBE_PORT));
      shop.change(() -> shop.site.registry().write("pod-store", before));
    }
  }

  /** On every address, as most applications listen, in a pod whose own listeners are there. */
  private TcpServer everywhere(Family family, int port) {
    InetSocketAddress any =
        new InetSocketAddress(IpAddresses.parse(family == Family.IPV4 ? "0.0.0.0" : "::"), port);
    return TcpServer.open(shop.store, any, TcpServer::echoAll);
  }

  @Test
  void theNumbersOfTheMeshPortsBelongToTheApplication() {
    shop.configureWithoutMutualTls();
    try {
      for (Family family : Family.values()) {
        for (int port : MESH_PORTS) {
          try (TcpServer server = everywhere(family, port)) {
            Attempt attempt = Attempt.from(shop.buyer, shop.store.at(family, port), "hello");

            assertThat(attempt.answer()).as("%s on %s", attempt, port).isEqualTo("hello");
            assertThat(server.accepted()).as("exactly one accept").hasSize(1);
          }
        }
      }
    } finally {
      shop.configureAsAtFirst();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whileMutualTlsIsOnThePortOfHboneLeadsStrangersToNoApplication(Family family) {
    try (TcpServer server = everywhere(family, MeshPorts.HBONE)) {
      InetSocketAddress destination = shop.store.at(family, MeshPorts.HBONE);
      Attempt buyer = Attempt.from(shop.buyer, destination, "hello");
      Attempt stranger = Attempt.from(shop.stranger, destination, "hello");

      assertThat(buyer.answer()).as("%s", buyer).isEqualTo("hello");
      assertThat(stranger.wasReset()).as("%s", stranger).isTrue();
      assertThat(server.accepted()).hasSize(1);
      assertThat(shop.view().record("inbound", stranger).path("reason").asText())
          .isEqualTo("no_certificate");
    }
  }

  @Test
  void theNumbersOfTheMeshPortsAreNoDoorFromOutside() {
    shop.configureWithoutMutualTls();
    try {
      for (Family family : Family.values()) {
        for (int port : MESH_PORTS) {
          try (TcpServer server = TcpServer.echo(shop.store, family, port)) {
            Attempt stranger = Attempt.from(shop.stranger, shop.store.at(family, port), "hello");
            Attempt thief = Attempt.from(shop.thief, shop.store.at(family, port), "hello");

            assertThat(stranger.wasReset()).as("%s on %s", stranger, port).isTrue();
            assertThat(thief.wasReset()).as("%s on %s", thief, port).isTrue();
            assertThat(server.accepted()).isEmpty();
            JsonNode record = shop.view().record("inbound", stranger);
            assertThat(record.path("original_destination").asText())
                .as("an ordinary inbound port")
                .isEqualTo(IpAddresses.text(shop.store.at(family, port)));
            assertThat(record.path("reason").asText()).isEqualTo("source_not_in_mesh");
          }
        }
      }
    } finally {
      shop.configureAsAtFirst();
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theProxysListenersRefuseWhoeverWasNotSteeredToThem(Family family) {
    List<InetSocketAddress> listeners = listenersOf(shop.store, family);
    assertThat(listeners).as("an outbound and an inbound listener").hasSize(2);
    for (InetSocketAddress listener : listeners) {
      Attempt attempt = Attempt.from(shop.store, listener, "let me out");

      assertThat(attempt.wasTurnedAway()).as("%s at %s", attempt, listener).isTrue();
    }
    Await.until(
        "whom a listener has accepted is told of",
        () ->
            shop.view().events(0, shop.store, "no_original_destination").stream()
                    .filter(event ->
                        event.path("source").asText().startsWith("[") == (family == Family.IPV6))
                    .count()
                == (mechanism.guardsIpv6Loopback() && family == Family.IPV6 ? 1 : 2));
  }

  /** Loopback listeners in the pod; while no test server is there, all of them are the proxy's. */
  static List<InetSocketAddress> listenersOf(SitePod pod, Family family) {
    List<InetSocketAddress> found = new ArrayList<>();
    String loopback = family == Family.IPV4 ? "127.0.0.1" : "::1";
    for (String line : pod.procNet(family == Family.IPV4 ? "tcp" : "tcp6").lines().toList()) {
      String[] columns = line.strip().split("\\s+");
      if (columns[3].equals(LISTENING)) {
        int port = Integer.parseInt(columns[1].substring(columns[1].indexOf(':') + 1), 16);
        found.add(new InetSocketAddress(IpAddresses.parse(loopback), port));
      }
    }
    return found;
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theNodeMayCallADeclaredProbePortAndNoOther(Family family) {
    try (TcpServer probed = TcpServer.echo(shop.store, family, PROBE_PORT);
        TcpServer other = TcpServer.echo(shop.store, family, shop.freshPort())) {
      SitePod node = shop.site.node();
      long before = probesCounted();
      long throughTheProxy = shop.view().status().path("connectionsAccepted").asLong();
      Attempt probe = Attempt.from(node, shop.store.at(family, PROBE_PORT), "well?");

      assertThat(probe.answer()).as("%s", probe).isEqualTo("well?");
      assertThat(probed.accepted()).hasSize(1);
      assertThat(probed.accepted().getFirst().peer()).as("nobody between").isEqualTo(probe.local());
      assertThat(probesCounted()).isEqualTo(before + 1);
      assertThat(shop.view().status().path("connectionsAccepted").asLong())
          .isEqualTo(throughTheProxy);

      Attempt curious = Attempt.from(node, shop.store.at(family, other.port()), "well?");
      Attempt stranger = Attempt.from(shop.stranger, shop.store.at(family, PROBE_PORT), "well?");
      Attempt thief = Attempt.from(shop.thief, shop.store.at(family, PROBE_PORT), "well?");

      assertThat(curious.wasReset()).as("%s", curious).isTrue();
      assertThat(stranger.wasReset()).as("%s", stranger).isTrue();
      assertThat(thief.wasReset()).as("%s", thief).isTrue();
      assertThat(probed.accepted()).hasSize(1);
      assertThat(other.accepted()).isEmpty();
      assertThat(probesCounted()).isEqualTo(before + 1);
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aProbeOfAPortThatNobodyServesIsRefused(Family family) {
    Attempt probe = Attempt.from(shop.site.node(), shop.store.at(family, PROBE_PORT), "well?");

    assertThat(probe.wasConnectionRefused()).as("%s", probe).isTrue();
  }

  private long probesCounted() {
    return shop.view().counted(shop.store, "inbound", "passthrough", "node_probe");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whoForgesTheNodesAddressHearsNoAnswer(Family family) {
    InetSocketAddress source =
        new InetSocketAddress(shop.site.node().address(family), shop.freshPort());
    assumeNodesAddress(shop.stranger, family, "add");
    try (TcpServer probed = TcpServer.echo(shop.store, family, PROBE_PORT)) {
      shop.stranger.call(() -> {
        try (SocketChannel channel = SocketChannel.open(family.protocol())) {
          channel.bind(source);
          assertThatThrownBy(() ->
                  channel
                      .socket()
                      .connect(shop.store.at(family, PROBE_PORT), UNANSWERED_MILLISECONDS))
              .isInstanceOf(SocketTimeoutException.class);
          return null;
        }
      });

      assertThat(probed.accepted()).as("the node resets what it has not sent").isEmpty();
    } finally {
      assumeNodesAddress(shop.stranger, family, "del");
    }
  }

  /** By {@code ip addr add} or {@code del}. */
  private void assumeNodesAddress(SitePod impostor, Family family, String how) {
    String address = shop.site.node().address(family).getHostAddress();
    String bits = family == Family.IPV4 ? "/32" : "/128";
    String nodad = family == Family.IPV6 && how.equals("add") ? " nodad" : "";
    Commands.ip(
        impostor.netns(), List.of("addr " + how + " " + address + bits + " dev lo" + nodad));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theNodesAddressAloneProvesNothing(Family family) {
    SitePod stranger = shop.stranger;
    String nodeAddress = shop.site.node().address(family).getHostAddress();
    String neighbour = "neigh %s " + nodeAddress + " lladdr " + macOf(stranger) + " dev eth0";
    assumeNodesAddress(stranger, family, "add");
    // The answers must reach the impostor, or the attempt would fail for lack of them.
    Commands.ip(shop.store.netns(), List.of(neighbour.formatted("replace") + " nud permanent"));
    try (TcpServer probed = TcpServer.echo(shop.store, family, PROBE_PORT)) {
      InetSocketAddress source = new InetSocketAddress(IpAddresses.parse(nodeAddress), 0);
      Attempt spoof =
          stranger.call(() -> {
            try (SocketChannel channel = SocketChannel.open(family.protocol())) {
              channel.bind(source);
              return Attempt.of(stranger, channel, shop.store.at(family, PROBE_PORT), "well?");
            }
          });

      assertThat(spoof.wasReset()).as("%s", spoof).isEqualTo(mechanism.provesNodeOrigin());
      assertThat(spoof.local().getAddress()).isEqualTo(source.getAddress());
      assertThat(probed.accepted()).hasSize(mechanism.provesNodeOrigin() ? 0 : 1);
      if (mechanism.provesNodeOrigin()) {
        assertThat(shop.view().record("inbound", spoof).path("reason").asText())
            .isEqualTo("source_not_in_mesh");
      }
    } finally {
      Commands.ip(shop.store.netns(), List.of(neighbour.formatted("del")));
      assumeNodesAddress(stranger, family, "del");
    }
  }

  private static String macOf(SitePod pod) {
    String line = Commands.run("ip", "-n", pod.netns(), "-o", "link", "show", "eth0");
    return line.replaceFirst("(?s).*link/ether ([0-9a-f:]+) .*", "$1");
  }
}
