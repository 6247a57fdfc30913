package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.PingMode;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

/** What has to be open for names, pings and clouds is no way out for anything else. */
@Tag("kernel")
@Tag("attack")
class OpeningsTest {
  private static final int DNS = 53;
  private static final List<InetAddress> METADATA =
      Stream.of("169.254.169.254", "100.100.100.200", "fd00:ec2::254")
          .map(IpAddresses::parse)
          .toList();
  private static final int IPPROTO_ICMP = 1;
  private static final int IPPROTO_ICMPV6 = 58;
  private static final int ECHO_HEADER = 8;
  private static final int IN_FRAGMENTS = 8_000;
  private static final int TO_THE_NODE = 333;

  @AutoClose private static ShopsByMechanism shops;

  @BeforeAll
  static void openShops() {
    shops = ShopsByMechanism.lent();
  }

  @EachMechanism
  void aNameServerThatIsNoneOfThePodsIsRefused(Mechanism mechanism) {
    for (Family family : Family.values()) {
      assertNameServerRefused(shops.of(mechanism), family);
      Attack.tried(
              "DNS by UDP and TCP to a host of the attacker, %s, %s".formatted(mechanism, family))
          .refusedBy("interception (UDP, EPERM) and the proxy (TCP, reset)")
          .countedAs("sluice_interception_refused_total{reason=\"dns_refused\"}");
    }
  }

  private static void assertNameServerRefused(Shop shop, Family family) {
    try (Datagrams server = Datagrams.echo(shop.stranger, family, DNS);
        TcpServer overTcp = TcpServer.echo(shop.stranger, family, DNS)) {
      shop.assertNotPermitted(
          "dns_refused",
          () -> Datagrams.askConnected(shop.thief, family, server.address(), "loot"));
      shop.assertNotPermitted(
          "dns_refused",
          () -> Datagrams.askUnconnected(shop.thief, family, server.address(), "loot"));
      Attempt attempt = Attempt.from(shop.thief, server.address(), "loot");

      assertThat(attempt.wasTurnedAway()).as("%s", attempt).isTrue();
      assertThat(shop.view().record("outbound", attempt).path("reason").asText())
          .isEqualTo("dns_refused");
      assertThat(server.received()).isEmpty();
      assertThat(overTcp.accepted()).isEmpty();
    }
  }

  @EachMechanism
  void metadataOfTheCloudIsRefusedWhateverTheMeshAllows(Mechanism mechanism) {
    Shop shop = shops.of(mechanism);
    METADATA.forEach(metadata -> giveToTheStranger(shop, metadata));
    try {
      shop.configure(true, true, Map.of());
      METADATA.forEach(metadata -> assertMetadataRefused(shop, metadata));
      shop.configure(false, true, Map.of("metadataMode", "ALLOW"));
      METADATA.forEach(metadata -> assertMetadataServed(shop, metadata));
      shop.configure(false, false, Map.of("outboundIPRangeExclusionList", ranges(METADATA)));
      METADATA.forEach(metadata -> assertMetadataServed(shop, metadata));
    } finally {
      shop.configureAsAtFirst();
    }
    for (InetAddress metadata : METADATA) {
      Attack.tried(
              "the node's credentials from %s, %s".formatted(IpAddresses.text(metadata), mechanism))
          .refusedBy("interception, in a permissive mesh with egress too")
          .countedAs("sluice_interception_refused_total{reason=\"metadata_refused\"}");
    }
  }

  private static String ranges(List<InetAddress> addresses) {
    return addresses.stream()
        .map(address -> "\"" + Cidr.of(address) + "\"")
        .collect(Collectors.joining(", ", "[", "]"));
  }

  /** And a route there to the thief. */
  private static void giveToTheStranger(Shop shop, InetAddress metadata) {
    Family family = Family.of(metadata);
    Cidr range = Cidr.of(metadata);
    Commands.ip(
        shop.stranger.netns(),
        List.of("addr replace " + range + " dev eth0" + (family == Family.IPV4 ? "" : " nodad")));
    Commands.ip(
        shop.thief.netns(),
        List.of(
            "route replace " + range + " via " + IpAddresses.text(shop.stranger.address(family))));
  }

  private static void assertMetadataRefused(Shop shop, InetAddress metadata) {
    InetSocketAddress service = new InetSocketAddress(metadata, shop.freshPort());
    try (TcpServer server = TcpServer.open(shop.stranger, service, TcpServer::echoAll)) {
      shop.assertNotPermitted(
          "metadata_refused",
          () -> Datagrams.send(shop.thief, Family.of(metadata), service, "credentials?"));
      long before = refused(shop, "metadata_refused");

      Attempt attempt = Attempt.from(shop.thief, service, "credentials?");

      assertThat(attempt.end())
          .as("%s", attempt)
          .isIn(Attempt.End.REFUSED, Attempt.End.NOT_PERMITTED);
      assertThat(server.accepted()).isEmpty();
      assertThat(refused(shop, "metadata_refused")).isEqualTo(before + 1);
    }
  }

  private static void assertMetadataServed(Shop shop, InetAddress metadata) {
    InetSocketAddress service = new InetSocketAddress(metadata, shop.freshPort());
    try (TcpServer _ = TcpServer.open(shop.stranger, service, TcpServer::echoAll)) {
      Attempt attempt = Attempt.from(shop.thief, service, "operator");
      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("operator");
    }
  }

  @EachMechanism
  void aPingCarriesNoMoreThanPingDoes(Mechanism mechanism) {
    Shop shop = shops.of(mechanism);
    shop.sysctl(shop.thief, "net/ipv4/ping_group_range", "0 0");
    String node = ranges(Stream.of(Family.values()).map(shop.site.node()::address).toList());
    for (Family family : Family.values()) {
      long before = refused(shop, "ping_refused");
      assertThat(answered(shop, family, PingMode.PLAIN_BYTES + 1, PingMode.PLAIN_BYTES))
          .isEqualTo(PingMode.PLAIN_BYTES);
      assertThat(answered(shop, family, IN_FRAGMENTS, 0)).isZero();
      assertThat(refused(shop, "ping_refused")).isEqualTo(before + 2);
    }
    try {
      shop.configure(false, false, Map.of("pingMode", "ALLOW"));
      for (Family family : Family.values()) {
        assertThat(answered(shop, family, IN_FRAGMENTS)).isEqualTo(IN_FRAGMENTS);
      }
      shop.configure(true, false, Map.of("pingMode", "REFUSE"));
      for (Family family : Family.values()) {
        assertThat(answered(shop, family, IN_FRAGMENTS)).isEqualTo(IN_FRAGMENTS);
      }
      shop.configure(
          false, false, Map.of("pingMode", "REFUSE", "outboundIPRangeExclusionList", node));
      for (Family family : Family.values()) {
        long before = refused(shop, "ping_refused");
        assertThat(answered(shop, family, 0, TO_THE_NODE)).isEqualTo(TO_THE_NODE);
        assertThat(refused(shop, "ping_refused")).isEqualTo(before + 1);
      }
    } finally {
      shop.configureAsAtFirst();
    }
    for (Family family : Family.values()) {
      Attack.tried("data in pings of an unprivileged socket, %s, %s".formatted(mechanism, family))
          .refusedBy((mechanism.hooksConnect() ? "skb_egress" : "rules") + ": packet dropped")
          .countedAs("sluice_interception_refused_total{reason=\"ping_refused\"}");
    }
  }

  /**
   * Sends echo requests of these sizes by a socket that needs no capability, and returns the size
   * of the first answer. {@link #TO_THE_NODE} goes there, the others to the stranger.
   */
  private static int answered(Shop shop, Family family, int... payloadBytes) {
    boolean ipv4 = family == Family.IPV4;
    int protocol = ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    int type = Sockets.SOCK_DGRAM | Sockets.SOCK_NONBLOCK;
    int socket = shop.thief.call(() -> Sockets.socket(family.domain(), type, protocol));
    try {
      for (int bytes : payloadBytes) {
        ByteBuffer request = ByteBuffer.allocate(ECHO_HEADER + bytes);
        request.put(0, (byte) (ipv4 ? 8 : 128));
        SitePod to = bytes == TO_THE_NODE ? shop.site.node() : shop.stranger;
        try {
          Sockets.sendTo(socket, request, 0, to.at(family, 0));
        } catch (LinuxException e) {
          // The kernel keeps it to itself for IPv6 (net/ipv6/ping.c).
          assertThat(ipv4 && e.errno() == Errno.EPERM).as("%s", e).isTrue();
        }
      }
      ByteBuffer answer = ByteBuffer.allocate(ECHO_HEADER + IN_FRAGMENTS);
      Await.until("a ping is answered", () -> Sockets.read(socket, answer) > 0);
      return answer.position() - ECHO_HEADER;
    } finally {
      Sockets.close(socket);
    }
  }

  private static long refused(Shop shop, String reason) {
    return shop.view().counted(shop.thief, "outbound", "refused", reason);
  }
}
