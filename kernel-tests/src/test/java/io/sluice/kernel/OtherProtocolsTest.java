package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.attack.Attack;
import io.sluice.lab.capture.FrameCapture;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

/** What is not TCP passes or is refused by a stated rule, and is counted: no silent bypass. */
@Tag("kernel")
@ParameterizedClass
@MethodSource("io.sluice.kernel.Mechanism#tried")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OtherProtocolsTest {
  private static final int DNS = 53;
  private static final int SOCK_RAW = 3;
  private static final int SOCK_SEQPACKET = 5;
  private static final int IPPROTO_ICMP = 1;
  private static final int IPPROTO_ICMPV6 = 58;
  private static final int IPPROTO_SCTP = 132;
  private static final int IPPROTO_UDPLITE = 136;

  @Parameter private Mechanism mechanism = Mechanism.EBPF;
  private Shop shop;

  @BeforeParameterizedClassInvocation
  void openShop() {
    shop = Shop.lent(mechanism);
  }

  @AfterEach
  void restorePolicy() {
    shop.isolate();
    shop.configureAsAtFirst();
  }

  @AfterParameterizedClassInvocation
  void closeShop() {
    shop.close();
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void aConnectedDatagramSocketIsRefusedAndCounted(Family family) {
    try (Datagrams server = Datagrams.echo(shop.stranger, family, shop.freshPort())) {
      shop.assertNotPermitted(
          "datagram_refused",
          () -> Datagrams.askConnected(shop.thief, family, server.address(), "udp"));
      assertThat(server.received()).isEmpty();
    }

    leavesALine("UDP, connected, " + family, "datagram_refused");
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void anUnconnectedDatagramSocketIsRefusedAndCounted(Family family) {
    try (Datagrams server = Datagrams.echo(shop.stranger, family, shop.freshPort())) {
      shop.assertNotPermitted(
          "datagram_refused",
          () -> Datagrams.askUnconnected(shop.thief, family, server.address(), "udp"));
      assertThat(server.received()).isEmpty();
    }

    leavesALine("UDP, unconnected, " + family, "datagram_refused");
  }

  @Test
  @Tag("attack")
  void nothingLeavesThePodByADetour() {
    for (Family family : Family.values()) {
      letTheStrangerAnswerForLoopback(family);
    }
    shop.configureStrangerAsResolver();
    for (Detour detour : Detour.values()) {
      assertNothingLeavesBy(detour);
    }
  }

  private void assertNothingLeavesBy(Detour detour) {
    InetAddress aside = shop.stranger.address(detour.family());
    String verdict = answerTo(detour).getFirst();
    String reason = answerTo(detour).getLast();
    String text = "secret-" + detour;
    long before = shop.view().counted(shop.thief, "outbound", verdict, reason);
    Optional<LinuxException> told;
    try (FrameCapture wire = shop.stranger.capture()) {
      told = detour.send(shop.thief, aside, shop.freshPort(), text);
      Datagrams.send(shop.thief, detour.family(), shop.stranger.at(detour.family(), DNS), "after");
      Await.until("what was sent later has arrived", () -> wire.hasSeen("after"));

      assertThat(wire.hasSeen(text)).as("%s has left the pod", text).isFalse();
    }
    assertThat(shop.view().counted(shop.thief, "outbound", verdict, reason))
        .as("%s", detour)
        .isGreaterThan(before);
    Attack.tried(detour.words() + ", to the pod's own loopback; " + mechanism)
        .refusedBy(
            (mechanism.hooksConnect() ? "skb_egress" : "rules")
                + told.map(e -> ", " + e.errno()).orElse(", packet dropped"))
        .countedAs("sluice_interception_" + verdict + "_total{reason=\"" + reason + "\"}");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  @Tag("attack")
  void whatIsForThePodItselfDoesNotLeaveByAnotherInterface(Family family) {
    InetSocketAddress own = shop.thief.at(family, shop.freshPort());
    long before = shop.view().counted(shop.thief, "outbound", "refused", "strayed");
    Commands.ip(
        shop.thief.netns(),
        List.of(
            "link add side type veth peer name side1",
            "link set side up",
            "link set side1 up",
            "route add %s dev side metric 9000"
                .formatted(family == Family.IPV4 ? "default" : "::/0"),
            "neigh replace %s lladdr 02:00:00:00:00:01 dev side"
                .formatted(IpAddresses.text(own.getAddress()))));
    int socket = shop.thief.call(() -> Sockets.socket(family.domain(), Sockets.SOCK_DGRAM, 0));
    try (FrameCapture wire = shop.thief.capture()) {
      Sockets.setsockopt(
          socket,
          Sockets.SOL_SOCKET,
          Sockets.SO_BINDTODEVICE,
          "side\0".getBytes(StandardCharsets.US_ASCII));
      ByteBuffer secret = ByteBuffer.wrap("secret".getBytes(StandardCharsets.US_ASCII));

      assertThatThrownBy(() -> Sockets.sendTo(socket, secret, 0, own))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));

      assertThat(wire.hasSeen("secret")).isFalse();
    } finally {
      Sockets.close(socket);
      Commands.ip(shop.thief.netns(), List.of("link del side"));
    }
    assertThat(shop.view().counted(shop.thief, "outbound", "refused", "strayed"))
        .isEqualTo(before + 1);
    Attack.tried("UDP to an own address by another interface, %s; %s".formatted(family, mechanism))
        .refusedBy((mechanism.hooksConnect() ? "skb_egress" : "rules") + ", EPERM")
        .countedAs("sluice_interception_refused_total{reason=\"strayed\"}");
  }

  /** As a machine on the same wire would do that wants to have what leaves. */
  private void letTheStrangerAnswerForLoopback(Family family) {
    String link = Commands.run("ip", "-n", shop.stranger.netns(), "-o", "link", "show", "eth0");
    String mac = link.replaceFirst("(?s).*link/ether (\\S+).*", "$1");
    Commands.ip(
        shop.thief.netns(),
        List.of(
            "neigh replace %s lladdr %s dev eth0"
                .formatted(family == Family.IPV4 ? "127.0.0.1" : "::1", mac)));
  }

  /** Verdict and reason. */
  private List<String> answerTo(Detour detour) {
    if (detour.kind() == Detour.Kind.INTERFACE) {
      return List.of("refused", "strayed");
    } else if (mechanism.hooksConnect()) {
      return List.of("refused", "routing_header");
    }
    // Rules are asked when the first hop has become the destination, and judge that.
    return detour.isTcp()
        ? List.of("redirected", "mesh_traffic")
        : List.of("refused", "datagram_refused");
  }

  @Tag("attack")
  @Test
  void aMappedDestinationIsRefusedAndCountedAsIpv4() {
    try (Datagrams server = Datagrams.echo(shop.stranger, Family.IPV4, shop.freshPort())) {
      shop.assertNotPermitted(
          "datagram_refused",
          () -> Datagrams.askUnconnected(shop.thief, Family.IPV6, server.address(), "udp"));
      shop.assertNotPermitted(
          "datagram_refused",
          () -> Datagrams.askConnected(shop.thief, Family.IPV6, server.address(), "udp"));
      assertThat(server.received()).isEmpty();
    }

    leavesALine("UDP to an IPv4 address in an IPv6 socket", "datagram_refused");
  }

  @Test
  void aResolverOfThePodAnswersConnectedAndUnconnected() {
    shop.configureStrangerAsResolver();
    for (Family family : Family.values()) {
      try (Datagrams server = Datagrams.echo(shop.stranger, family, DNS)) {
        long before = shop.view().counted(shop.thief, "outbound", "passthrough", "dns");

        assertThat(Datagrams.askConnected(shop.thief, family, server.address(), "who?"))
            .isEqualTo("who?");
        assertThat(Datagrams.askUnconnected(shop.thief, family, server.address(), "who?"))
            .isEqualTo("who?");

        assertThat(shop.view().counted(shop.thief, "outbound", "passthrough", "dns"))
            .isEqualTo(before + 2);
      }
    }
  }

  @Test
  void permissiveModeLetsDatagramsPassAndCountsThem() {
    shop.configure(true, false, Map.of());
    for (Family family : Family.values()) {
      long before =
          shop.view().counted(shop.thief, "outbound", "passthrough", "datagram_permissive");
      try (Datagrams server = Datagrams.echo(shop.stranger, family, shop.freshPort())) {
        Await.until(
            "the datagram is answered",
            () ->
                Datagrams.askUnconnected(shop.thief, family, server.address(), "udp")
                    .equals("udp"));
      }
      assertThat(shop.view().counted(shop.thief, "outbound", "passthrough", "datagram_permissive"))
          .isGreaterThan(before);
    }
  }

  /** Nor by a socket that was connected before. */
  @Tag("attack")
  @Test
  void noDatagramGoesToAnIsolatedRange() {
    shop.configure(true, false, Map.of());
    for (Family family : Family.values()) {
      int before = shop.thief.call(() -> Sockets.socket(family.domain(), Sockets.SOCK_DGRAM, 0));
      try (Datagrams server = Datagrams.echo(shop.stranger, family, shop.freshPort())) {
        Sockets.connect(before, server.address());
        Sockets.write(before, ByteBuffer.wrap(new byte[] {'a'}));
        Await.until("it has arrived", () -> server.received().equals(List.of("a")));

        shop.isolate(server.address().getAddress());

        shop.assertNotPermitted(
            "datagram_isolated", () -> Sockets.write(before, ByteBuffer.wrap(new byte[] {'b'})));
        shop.assertNotPermitted(
            "datagram_isolated",
            () -> Datagrams.askUnconnected(shop.thief, family, server.address(), "udp"));
        shop.assertNotPermitted(
            "datagram_isolated",
            () -> Datagrams.askConnected(shop.thief, family, server.address(), "udp"));
        assertThat(server.received()).containsExactly("a");
      } finally {
        Sockets.close(before);
      }
      leavesALine("UDP to an isolated address, " + family, "datagram_isolated");
    }
  }

  /** Of all that needs no capability: in echo requests and by other transports neither. */
  @Tag("attack")
  @Test
  void nothingElseGoesToAnIsolatedRange() {
    shop.configure(true, false, Map.of());
    shop.sysctl(shop.thief, "net/ipv4/ping_group_range", "0 0");
    for (Family family : Family.values()) {
      boolean ipv4 = family == Family.IPV4;
      InetSocketAddress there = shop.stranger.at(family, shop.freshPort());
      InetSocketAddress pinged = shop.stranger.at(family, 0);
      int lite = datagrams(family, IPPROTO_UDPLITE);
      int ping = datagrams(family, ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
      try (FrameCapture wire = shop.stranger.capture()) {
        Sockets.sendTo(lite, text("by-lite"), 0, there);
        Sockets.sendTo(ping, echoRequest(ipv4, "by-ping"), 0, pinged);
        Await.until("both arrive", () -> wire.hasSeen("by-lite") && wire.hasSeen("by-ping"));

        shop.isolate(there.getAddress());
        shop.assertNotPermitted(
            "datagram_isolated", () -> Sockets.sendTo(lite, text("secret"), 0, there));
        if (ipv4) {
          shop.assertNotPermitted(
              "datagram_isolated",
              () -> Sockets.sendTo(ping, echoRequest(true, "secret"), 0, pinged));
        } else {
          long before = shop.view().counted(shop.thief, "outbound", "refused", "datagram_isolated");
          Sockets.sendTo(ping, echoRequest(false, "secret"), 0, pinged); // net/ipv6/ping.c
          assertThat(shop.view().counted(shop.thief, "outbound", "refused", "datagram_isolated"))
              .isEqualTo(before + 1);
        }

        shop.isolate();
        Sockets.sendTo(lite, text("after"), 0, there);
        Await.until("what was sent later has arrived", () -> wire.hasSeen("after"));
        assertThat(wire.hasSeen("secret")).isFalse();
      } finally {
        Sockets.close(lite);
        Sockets.close(ping);
      }
      leavesALine("UDP-Lite and pings to an isolated address, " + family, "datagram_isolated");
    }
  }

  private int datagrams(Family family, int protocol) {
    return shop.thief.call(() -> Sockets.socket(family.domain(), Sockets.SOCK_DGRAM, protocol));
  }

  private static ByteBuffer text(String ascii) {
    return ByteBuffer.wrap(ascii.getBytes(StandardCharsets.US_ASCII));
  }

  private static ByteBuffer echoRequest(boolean ipv4, String payload) {
    byte[] octets = ("\0".repeat(8) + payload).getBytes(StandardCharsets.US_ASCII);
    octets[0] = (byte) (ipv4 ? 8 : 128);
    return ByteBuffer.wrap(octets);
  }

  @Test
  void anExcludedPortIsOpenToDatagramsToo() {
    int port = shop.freshPort();
    shop.configure(false, false, Map.of("outboundPortExclusionList", "[" + port + "]"));
    for (Family family : Family.values()) {
      try (Datagrams server = Datagrams.echo(shop.stranger, family, port)) {
        Await.until(
            "the datagram is answered",
            () ->
                Datagrams.askConnected(shop.thief, family, server.address(), "udp").equals("udp"));
      }
    }
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void udpLiteIsRefusedAndCounted(Family family) {
    shop.assertNotPermitted(
        "protocol_refused", () -> use(shop.thief, family, Sockets.SOCK_DGRAM, IPPROTO_UDPLITE));

    leavesALine("UDP-Lite, " + family, "protocol_refused");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void sctpIsRefusedAndCountedWhereTheKernelHasIt(Family family) {
    try {
      open(shop.stranger, family, SOCK_SEQPACKET, IPPROTO_SCTP);
    } catch (LinuxException e) {
      // This kernel has no SCTP: there is nothing that could pass by.
      assertThat(e.errno()).isIn(Errno.EPROTONOSUPPORT, Errno.ESOCKTNOSUPPORT);
      assertThatThrownBy(() -> open(shop.thief, family, SOCK_SEQPACKET, IPPROTO_SCTP))
          .isInstanceOf(LinuxException.class);
      return;
    }
    shop.assertNotPermitted(
        "protocol_refused", () -> open(shop.thief, family, SOCK_SEQPACKET, IPPROTO_SCTP));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aRawSocketIsCounted(Family family) {
    long before = shop.view().counted(shop.thief, "outbound", "passthrough", "raw_socket");

    use(shop.thief, family, SOCK_RAW, family == Family.IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);

    // One socket, or at least the one packet: neighbour discovery is raw traffic too.
    assertThat(shop.view().counted(shop.thief, "outbound", "passthrough", "raw_socket"))
        .isGreaterThan(before);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aPodOutsideTheMeshMaySpeakAnything(Family family) {
    try (Datagrams server = Datagrams.echo(shop.site.node(), family, shop.freshPort())) {
      assertThat(Datagrams.askConnected(shop.stranger, family, server.address(), "udp"))
          .isEqualTo("udp");
      open(shop.stranger, family, Sockets.SOCK_DGRAM, IPPROTO_UDPLITE);
    }
  }

  /** Opens a socket and closes it. */
  private static void open(SitePod pod, Family family, int type, int protocol) {
    Sockets.close(pod.call(() -> Sockets.socket(family.domain(), type, protocol)));
  }

  /** Does with a socket what makes the mechanism decide. */
  private void use(SitePod pod, Family family, int type, int protocol) {
    if (mechanism.decidesProtocolsAtTheSocket()) {
      open(pod, family, type, protocol);
      return;
    }
    int socket = pod.call(() -> Sockets.socket(family.domain(), type, protocol));
    try {
      int port = type == SOCK_RAW ? 0 : shop.freshPort();
      byte[] echoRequest = {8, 0, (byte) 0xf7, (byte) 0xff, 0, 0, 0, 0};
      Sockets.sendTo(socket, ByteBuffer.wrap(echoRequest), 0, shop.stranger.at(family, port));
    } finally {
      Sockets.close(socket);
    }
  }

  private void leavesALine(String what, String reason) {
    Attack.tried("a pod of a strict mesh speaks %s, %s".formatted(what, mechanism))
        .refusedBy("the interception: EPERM")
        .countedAs("sluice_interception_refused_total{reason=\"%s\"}".formatted(reason));
  }
}
