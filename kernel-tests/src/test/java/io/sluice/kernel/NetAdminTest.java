package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.interception.PodPlacement;
import io.sluice.lab.capture.FrameCapture;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a process with CAP_NET_ADMIN inside a pod cannot do by giving the pod addresses or routes.
 */
@Tag("kernel")
@Tag("attack")
class NetAdminTest {
  private static final int DNS = 53;

  @AutoClose private static ShopsByMechanism shops;

  @BeforeAll
  static void openShops() {
    shops = ShopsByMechanism.lent();
  }

  @AfterEach
  void takeTheSideInterfaceAway() {
    shops.inEach((_, shop) -> {
      if (shop.thief.procNet("dev").contains(" side:")) {
        Commands.ip(shop.thief.netns(), List.of("link del side"));
      }
      shop.configureAsAtFirst();
    });
  }

  private static Stream<Arguments> everyCase() {
    return Mechanism.tried()
        .flatMap(
            mechanism -> Stream.of(Family.values()).map(family -> Arguments.of(mechanism, family)));
  }

  @ParameterizedTest
  @MethodSource("everyCase")
  void anAddressThatThePodGivesItselfIsNotItsOwn(Mechanism mechanism, Family family) {
    Shop shop = shops.of(mechanism);
    InetSocketAddress outside = shop.outside(family, shop.freshPort());
    haveForAWhile(shop, List.of(outside.getAddress()), "");

    try (TcpServer server = TcpServer.open(shop.stranger, outside, TcpServer::echoAll)) {
      Attempt attempt = Attempt.from(shop.thief, outside, "secret");

      assertThat(attempt.wasTurnedAway()).as("%s", attempt).isTrue();
      assertThat(server.accepted()).isEmpty();
    }
    Attack.tried("a stranger's address made the pod's own for a while, " + label(mechanism, family))
        .refusedBy("the proxy, connection reset")
        .countedAs("sluice_proxy_connections_refused_total{reason=\"egress_disabled\"}");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void theEntryOfANeighbourIsNotOverwritten(Family family) {
    Shop shop = shops.of(Mechanism.EBPF);
    InetAddress store = shop.store.address(family);

    haveForAWhile(shop, List.of(store), "");

    assertThat(shop.view().dump("pod_by_address"))
        .filteredOn(row -> IpAddresses.text(store).equals(row.get("address")))
        .singleElement()
        .satisfies(row -> assertThat(row.get("pod")).isEqualTo(shop.store.meshName()));
    Attack.tried("a neighbour's address given to the own pod, " + label(Mechanism.EBPF, family))
        .refusedBy("node daemon: it stays the neighbour's")
        .countedAs("`node maps dump pod_by_address`");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aPodCannotFillTheMaps(Family family) {
    Shop shop = shops.of(Mechanism.EBPF);

    // Of an excluded interface, whose addresses nobody but the pod knows.
    haveForAWhile(
        shop,
        IntStream.range(1, 200)
            .mapToObj(i -> family == Family.IPV4 ? "198.18.0." + i : "2001:db8:2::" + i)
            .map(IpAddresses::parse)
            .toList(),
        "side");

    assertThat(shop.view().dump("pod_addresses"))
        .filteredOn(row -> shop.thief.meshName().equals(row.get("pod")))
        .hasSizeBetween(2, PodPlacement.MAX_ADDRESSES);
    Attack.tried("hundreds of addresses on an interface, " + label(Mechanism.EBPF, family))
        .refusedBy("node daemon: at most " + PodPlacement.MAX_ADDRESSES + " are taken")
        .countedAs("`node maps list`");
  }

  /** Gives the thief addresses until the daemon has looked, and takes them away again. */
  private static void haveForAWhile(Shop shop, List<InetAddress> addresses, String excluded) {
    List<String> lines =
        new ArrayList<>(List.of("link add side type veth peer name side1", "link set side up"));
    addresses.forEach(address ->
        lines.add(
            "addr add %s/%d dev side%s"
                .formatted(
                    IpAddresses.text(address),
                    address.getAddress().length * 8,
                    Family.of(address) == Family.IPV6 ? " nodad" : "")));
    Commands.ip(shop.thief.netns(), lines);
    // Any change makes the daemon look at the pods' addresses again.
    shop.configure(
        false,
        false,
        Map.of(
            "networkInterfaceExclusionList",
            "[" + excluded + "]",
            "outboundPortExclusionList",
            "[1]"));
    Commands.ip(shop.thief.netns(), List.of("addr flush dev side"));
    shop.site.forgetNeighbours();
  }

  @ParameterizedTest
  @MethodSource("everyCase")
  void whatANestedNamespaceSendsThroughThePodIsRefused(Mechanism mechanism, Family family) {
    Shop shop = shops.of(mechanism);
    shop.configureStrangerAsResolver();
    SitePod nested = nestedNamespace(shop, family);
    InetSocketAddress stranger = shop.stranger.at(family, DNS);
    long before = shop.view().counted(shop.thief, "outbound", "refused", "forwarded");
    try (FrameCapture wire = shop.stranger.capture()) {
      Datagrams.send(nested, family, stranger, "secret of a nested namespace");

      Await.until(
          "the packet is refused",
          () -> shop.view().counted(shop.thief, "outbound", "refused", "forwarded") > before);
      Datagrams.send(shop.thief, family, stranger, "after");
      Await.until("what was sent later has arrived", () -> wire.hasSeen("after"));
      assertThat(wire.hasSeen("secret of a nested namespace")).isFalse();
    } finally {
      Commands.ip(shop.thief.netns(), List.of("link del side"));
      shop.site.deleteNamespace(nested);
    }
    Attack.tried("a nested namespace, forwarded and masqueraded, " + label(mechanism, family))
        .refusedBy("the pod's forward chain, packet dropped")
        .countedAs("sluice_interception_refused_total{reason=\"forwarded\"}");
  }

  /** Behind the thief, who forwards for it under his own address. */
  private static SitePod nestedNamespace(Shop shop, Family family) {
    SitePod nested = new SitePod("nested", shop.site.prefix() + "-nested", 0);
    boolean ipv4 = family == Family.IPV4;
    String network = ipv4 ? "10.66.0.%d/24" : "fd66::%d/64";
    String nodad = ipv4 ? "" : " nodad";
    Commands.ip("", List.of("netns add " + nested.netns()));
    Commands.ip(
        shop.thief.netns(),
        List.of(
            "link add side type veth peer name eth0 netns " + nested.netns(),
            "link set side up",
            "addr add " + network.formatted(1) + " dev side" + nodad));
    Commands.ip(
        nested.netns(),
        List.of(
            "link set eth0 up",
            "addr add " + network.formatted(2) + " dev eth0" + nodad,
            "route add %s via %s"
                .formatted(
                    ipv4 ? "default" : "::/0", network.formatted(1).replaceFirst("/.*", ""))));
    shop.sysctl(shop.thief, "net/" + (ipv4 ? "ipv4" : "ipv6") + "/conf/all/forwarding", "1");
    Commands.run(
        "ip",
        "netns",
        "exec",
        shop.thief.netns(),
        "nft",
        "add table inet side; delete table inet side; add table inet side { chain leaving { type nat hook postrouting priority 100;"
            + " oifname eth0 masquerade; }; }");
    return nested;
  }

  private static String label(Mechanism mechanism, Family family) {
    return mechanism.mode() + ", " + family;
  }
}
