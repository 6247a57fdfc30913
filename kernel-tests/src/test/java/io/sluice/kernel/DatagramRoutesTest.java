package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.attack.Attack;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshPorts;
import io.sluice.node.NodeSettings;
import io.sluice.node.why.WhyQuestion;
import io.sluice.process.AdminClient;
import io.sluice.process.AdminRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Order;
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
import org.junit.jupiter.params.provider.ValueSource;

/** Datagrams between pods of a strict mesh go where UDPRoutes grant them, and nowhere else. */
@Order(10)
@Tag("kernel")
@ParameterizedClass
@MethodSource("io.sluice.kernel.Mechanism#tried")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DatagramRoutesTest {
  private static final int SERVICE_PORT = 514;
  private static final int SOCK_RAW = 3;
  private static final int IPPROTO_UDP = 17;
  private static final int IPPROTO_RAW = 255;
  private static final int UDP_SEGMENT = 103;
  private static final int IFA_F_TENTATIVE = 0x40;
  private static final int IP_TRANSPARENT = 19;
  private static final int IPV6_FREEBIND = 78;
  private static final int IPV4_HEADER = 20;
  private static final int IPV6_HEADER = 40;
  private static final int UDP_HEADER = 8;
  private static final int IPV6_NEXT = 6; // where the header of IPv6 names what follows
  private static final int FRAGMENT = 44;
  private static final int DESTINATION_OPTIONS = 60;
  private static final int IN_FRAGMENTS = 2_000; // more than the wire takes at once

  @Parameter private Mechanism mechanism = Mechanism.EBPF;
  private Shop shop;

  @BeforeParameterizedClassInvocation
  void openShop() {
    shop = Shop.lent(mechanism);
  }

  @AfterParameterizedClassInvocation
  void closeShop() {
    shop.close();
  }

  /** One grant, or whatever else is in force, is for both families: each change takes its time. */
  @AfterEach
  void takeGrantsBack() {
    shop.change(
        () -> shop.site.registry().remove("datagrams"),
        () -> shop.site.registry().write("pod-thief", Manifests.pod(shop.thief)));
  }

  private void grant(SitePod from, SitePod to, Integer... ports) {
    shop.change(() -> shop.site.registry().write("datagrams", route(from, to, List.of(ports))));
  }

  private static String route(SitePod from, SitePod to, List<Integer> ports) {
    String matches = ports.isEmpty() ? "" : "\nspec: {matches: {ports: %s}}".formatted(ports);
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: UDPRoute
    metadata: {name: datagrams, namespace: shop}%s
    ---
    apiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: datagrams, namespace: shop}
    spec:
      destination: {kind: ServiceAccount, name: %s, namespace: shop}
      sources: [{kind: ServiceAccount, name: %s, namespace: shop}]
      rules: [{kind: UDPRoute, name: datagrams}]
    """
        .formatted(matches, to.name(), from.name());
  }

  @Test
  void aListedPortIsAnsweredAndAnotherOneRefusedAndCounted() {
    int listed = shop.freshPort();
    int unlisted = shop.freshPort();
    grant(shop.buyer, shop.store, listed);
    for (Family family : Family.values()) {
      try (Datagrams there = Datagrams.echo(shop.store, family, listed);
          Datagrams beside = Datagrams.echo(shop.store, family, unlisted)) {
        long granted = counted(shop.buyer, "outbound", "passthrough", "datagram_granted");
        assertThat(Datagrams.askConnected(shop.buyer, family, there.address(), "a")).isEqualTo("a");
        assertThat(Datagrams.askUnconnected(shop.buyer, family, there.address(), "b"))
            .isEqualTo("b");
        assertThat(counted(shop.buyer, "outbound", "passthrough", "datagram_granted"))
            .isGreaterThanOrEqualTo(granted + 2);

        assertRefused(shop.buyer, family, beside.address());
        assertRefused(shop.thief, family, there.address());

        assertThat(foretold(shop.buyer, there.address())).isEqualTo("allowed datagram_granted");
        assertThat(foretold(shop.buyer, beside.address())).isEqualTo("refused datagram_refused");
        assertThat(foretold(shop.thief, there.address())).isEqualTo("refused datagram_refused");
        assertThat(there.received()).containsExactly("a", "b");
        assertThat(beside.received()).isEmpty();
      }
    }
  }

  /** What {@code why --udp} says of it. */
  private String foretold(SitePod from, InetSocketAddress to) {
    WhyQuestion question =
        new WhyQuestion(from.meshName(), IpAddresses.text(to), "", "", Map.of(), false, true);
    try {
      JsonNode answer =
          new AdminClient(NodeSettings.adminSocket(shop.site.prefix()))
              .ask(new AdminRequest("why", question.toText(), false))
              .getFirst();
      return answer.path("verdict").asText() + " " + answer.path("reason").asText();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void assertRefused(SitePod from, Family family, InetSocketAddress to) {
    long before = counted(from, "outbound", "refused", "datagram_refused");

    assertNotPermitted(() -> Datagrams.send(from, family, to, "refused"));
    assertNotPermitted(() -> Datagrams.askConnected(from, family, to, "refused"));

    assertThat(counted(from, "outbound", "refused", "datagram_refused")).isEqualTo(before + 2);
  }

  private void assertRefused(SitePod from, Datagrams server) {
    assertRefused(from, Family.of(server.address().getAddress()), server.address());
  }

  private static String ask(SitePod from, Datagrams server, String text) {
    InetSocketAddress address = server.address();
    return Datagrams.askUnconnected(from, Family.of(address.getAddress()), address, text);
  }

  private static void assertNotPermitted(Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
  }

  private long counted(SitePod pod, String direction, String verdict, String reason) {
    return shop.view().counted(pod, direction, verdict, reason);
  }

  @Test
  void aRouteWithoutPortsMeansEveryPort() {
    grant(shop.buyer, shop.store);
    for (Family family : Family.values()) {
      try (Datagrams one = Datagrams.echo(shop.store, family, shop.freshPort());
          Datagrams other = Datagrams.echo(shop.store, family, shop.freshPort())) {
        assertThat(Datagrams.askUnconnected(shop.buyer, family, one.address(), "a")).isEqualTo("a");
        assertThat(Datagrams.askConnected(shop.buyer, family, other.address(), "b")).isEqualTo("b");
        assertRefused(shop.thief, family, one.address());
      }
    }
  }

  @Test
  void ofAnIpv4AddressInAnIpv6SocketTheSameIsTrue() {
    int port = shop.freshPort();
    grant(shop.buyer, shop.store, port);
    try (Datagrams there = Datagrams.echo(shop.store, Family.IPV4, port)) {
      assertThat(Datagrams.askUnconnected(shop.buyer, Family.IPV6, there.address(), "a"))
          .isEqualTo("a");
      assertThat(Datagrams.askConnected(shop.buyer, Family.IPV6, there.address(), "b"))
          .isEqualTo("b");
      assertRefused(shop.thief, Family.IPV6, there.address());
    }
  }

  @Test
  void whatIsSentInFragmentsIsDecidedAsOne() {
    int port = shop.freshPort();
    String much = "x".repeat(IN_FRAGMENTS);
    grant(shop.buyer, shop.store, port);
    for (Family family : Family.values()) {
      try (Datagrams there = Datagrams.echo(shop.store, family, port)) {
        assertThat(Datagrams.askUnconnected(shop.buyer, family, there.address(), much))
            .isEqualTo(much);
        assertRefused(shop.thief, family, there.address());
      }
    }
  }

  /** The kernel cuts up what a socket gives it as one, behind every hook. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void whatTheKernelCutsUpIsDecidedAsOneAndCountedAsMany(Family family) {
    int port = shop.freshPort();
    grant(shop.buyer, shop.store, port);
    int socket = shop.buyer.call(() -> Sockets.socket(family.domain(), Sockets.SOCK_DGRAM, 0));
    try (Datagrams there = Datagrams.echo(shop.store, family, port);
        Datagrams beside = Datagrams.echo(shop.store, family, shop.freshPort())) {
      Sockets.setsockopt(socket, IPPROTO_UDP, UDP_SEGMENT, 3);
      Sockets.sendTo(socket, text("abcdefgh"), 0, there.address());
      assertNotPermitted(() -> Sockets.sendTo(socket, text("abcdefgh"), 0, beside.address()));

      Await.until("all have arrived", () -> there.received().size() >= 3);
      assertThat(there.received()).containsExactly("abc", "def", "gh");
      assertThat(beside.received()).isEmpty();
      if (mechanism.hooksConnect()) { // rules count no pairs
        assertThat(rules().getFirst()).startsWith("buyer outbound 3 8 ");
        assertThat(rules().getLast()).startsWith("store inbound 3 8 ");
      }
    } finally {
      Sockets.close(socket);
    }
  }

  @Tag("attack")
  @Test
  void whoMayBeAskedMayOnlyAnswer() {
    int port = shop.freshPort();
    grant(shop.buyer, shop.store, port);
    for (Family family : Family.values()) {
      int asked = bound(shop.store, family, port);
      try (Datagrams own = Datagrams.echo(shop.buyer, family, shop.freshPort())) {
        // From the port that it may answer from, to one that has asked nothing.
        tryTo(() -> Sockets.sendTo(asked, text("unasked"), 0, own.address()));
        // From another one.
        assertRefused(shop.store, family, own.address());

        assertNothingCame(shop.buyer, own);
      } finally {
        Sockets.close(asked);
      }
    }
    Attack.tried("a datagram from a granted port to one that has not asked, " + mechanism)
        .refusedBy(mechanism.hooksConnect() ? "skb_ingress" : "rules, EPERM")
        .countedAs("sluice_interception_refused_total{reason=\"datagram_refused\"}");
  }

  /** What is sent to itself arrives after what was sent before, were that to arrive. */
  private static void assertNothingCame(SitePod pod, Datagrams server) {
    Family family = Family.of(server.address().getAddress());
    Datagrams.send(pod, family, server.address(), "own");
    Await.until("its own has arrived", () -> !server.received().isEmpty());
    assertThat(server.received()).containsExactly("own");
  }

  private static void tryTo(Runnable call) {
    try {
      call.run();
    } catch (LinuxException e) {
      assertThat(e.errno()).isEqualTo(Errno.EPERM);
    }
  }

  private static int bound(SitePod pod, Family family, int port) {
    int socket = pod.call(() -> Sockets.socket(family.domain(), Sockets.SOCK_DGRAM, 0));
    try {
      Sockets.bind(socket, pod.at(family, port));
      return socket;
    } catch (RuntimeException e) {
      Sockets.close(socket);
      throw e;
    }
  }

  private static ByteBuffer text(String ascii) {
    return ByteBuffer.wrap(ascii.getBytes(StandardCharsets.US_ASCII));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void whatIsTakenBackIsRefusedAtOnce(Family family) {
    int port = shop.freshPort();
    grant(shop.buyer, shop.store, port);
    int connected = shop.buyer.call(() -> Sockets.socket(family.domain(), Sockets.SOCK_DGRAM, 0));
    try (Datagrams there = Datagrams.echo(shop.store, family, port)) {
      Sockets.connect(connected, there.address());
      Sockets.write(connected, text("before"));
      Await.until("it has arrived", () -> there.received().equals(List.of("before")));

      grant(shop.buyer, shop.store, shop.freshPort());
      tryTo(() -> Sockets.write(connected, text("after")));
      assertRefused(shop.buyer, family, there.address());
      grant(shop.buyer, shop.store, port);
      assertThat(Datagrams.askUnconnected(shop.buyer, family, there.address(), "again"))
          .isEqualTo("again");

      assertThat(there.received()).containsExactly("before", "again");
    } finally {
      Sockets.close(connected);
    }
  }

  @Test
  void aPermissiveMeshAsksNobody() {
    shop.configure(true, false, Map.of());
    try {
      for (Family family : Family.values()) {
        try (Datagrams there = Datagrams.echo(shop.store, family, shop.freshPort())) {
          assertThat(Datagrams.askUnconnected(shop.thief, family, there.address(), "a"))
              .isEqualTo("a");
        }
      }
    } finally {
      shop.configureAsAtFirst();
    }
  }

  @Test
  void whoIsNotOfTheMeshIsTakenAsBefore() {
    for (Family family : Family.values()) {
      try (Datagrams there = Datagrams.echo(shop.store, family, shop.freshPort())) {
        Datagrams.send(shop.stranger, family, there.address(), "a");
        Await.until("it has arrived", () -> there.received().equals(List.of("a")));
      }
    }
  }

  @Test
  void whatIsGrantedIsWithoutADaemonToo() {
    int port = shop.freshPort();
    grant(shop.buyer, shop.store, port);
    try (Datagrams four = Datagrams.echo(shop.store, Family.IPV4, port);
        Datagrams six = Datagrams.echo(shop.store, Family.IPV6, port)) {
      shop.daemon().kill();
      for (Datagrams there : List.of(four, six)) {
        assertThat(ask(shop.buyer, there, "a")).isEqualTo("a");
        Family family = Family.of(there.address().getAddress());
        assertNotPermitted(() -> Datagrams.send(shop.thief, family, there.address(), "b"));
      }
      shop.reviveDaemon();
      for (Datagrams there : List.of(four, six)) {
        assertThat(ask(shop.buyer, there, "c")).isEqualTo("c");
        assertRefused(shop.thief, there);
        assertThat(there.received()).containsExactly("a", "c");
      }
    }
  }

  /** Its own node lets it send, and the receiver's does not take it. */
  @Tag("attack")
  @Test
  void whatItsSenderExcludesIsTakenByGrantAlone() {
    int port = shop.freshPort();
    excludeOfTheThief(port);
    try (Datagrams four = Datagrams.echo(shop.store, Family.IPV4, port);
        Datagrams six = Datagrams.echo(shop.store, Family.IPV6, port)) {
      for (Datagrams there : List.of(four, six)) {
        long before = counted(shop.store, "inbound", "refused", "datagram_refused");
        Family family = Family.of(there.address().getAddress());
        Datagrams.send(shop.thief, family, there.address(), "loot");
        assertNothingCame(shop.store, there);
        assertThat(foretold(shop.thief, there.address())).isEqualTo("refused datagram_refused");
        assertThat(counted(shop.store, "inbound", "refused", "datagram_refused"))
            .isEqualTo(before + 1);
      }
      grant(shop.thief, shop.store, port);
      for (Datagrams there : List.of(four, six)) {
        assertThat(ask(shop.thief, there, "a")).isEqualTo("a");
        assertThat(there.received()).containsExactly("own", "a");
      }
    } finally {
      excludeNothingOfTheThief();
    }
    Attack.tried("a datagram to an excluded port of a pod that grants none, " + mechanism)
        .refusedBy(mechanism.hooksConnect() ? "skb_ingress" : "rules")
        .countedAs("sluice_interception_refused_total{reason=\"datagram_refused\"}");
  }

  private void excludeOfTheThief(int port) {
    shop.change(() ->
        shop.site
            .registry()
            .write(
                "pod-thief",
                Manifests.pod(
                    shop.thief,
                    Map.of("sluice.io/outbound-port-exclusion-list", "" + port),
                    List.of())));
  }

  private void excludeNothingOfTheThief() {
    shop.change(() -> shop.site.registry().write("pod-thief", Manifests.pod(shop.thief)));
  }

  /** With an address more, by a socket that is bound to it, and by one that writes headers. */
  @Tag("attack")
  @Test
  void whoTakesTheAddressOfAnotherIsNotTakenForIt() {
    int port = shop.freshPort();
    grant(shop.buyer, shop.store, port);
    excludeOfTheThief(port);
    for (Family family : Family.values()) {
      InetAddress buyers = shop.buyer.address(family);
      String address = Cidr.of(buyers) + " dev lo" + (family == Family.IPV4 ? "" : " nodad");
      Commands.ip(shop.thief.netns(), List.of("addr add " + address));
      int forger = shop.thief.call(() -> Sockets.socket(family.domain(), Sockets.SOCK_DGRAM, 0));
      int raw = shop.thief.call(() -> Sockets.socket(family.domain(), SOCK_RAW, IPPROTO_RAW));
      try (Datagrams there = Datagrams.echo(shop.store, family, port)) {
        long before = counted(shop.thief, "outbound", "refused", "forwarded");
        Sockets.bind(forger, new InetSocketAddress(buyers, 0));
        assertNotPermitted(() -> Sockets.sendTo(forger, text("forged"), 0, there.address()));
        InetSocketAddress host = new InetSocketAddress(there.address().getAddress(), 0);
        tryTo(() -> Sockets.sendTo(raw, packet(buyers, there.address(), "forged"), 0, host));

        assertNothingCame(shop.store, there);
        assertThat(counted(shop.thief, "outbound", "refused", "forwarded")).isEqualTo(before + 2);
      } finally {
        Sockets.close(forger);
        Sockets.close(raw);
        Commands.ip(shop.thief.netns(), List.of("addr del " + Cidr.of(buyers) + " dev lo"));
      }
    }
    Attack.tried("datagrams from another pod's address, also by a raw socket, " + mechanism)
        .refusedBy(mechanism.hooksConnect() ? "skb_egress" : "rules")
        .countedAs("sluice_interception_refused_total{reason=\"forwarded\"}");
  }

  /** A header of IP, one of UDP without a sum, which IPv6 would not take, and the text. */
  private static ByteBuffer packet(InetAddress from, InetSocketAddress to, String text) {
    byte[] payload = text.getBytes(StandardCharsets.US_ASCII);
    boolean ipv4 = from.getAddress().length == 4;
    int length = UDP_HEADER + payload.length;
    ByteBuffer packet = ByteBuffer.allocate((ipv4 ? IPV4_HEADER : IPV6_HEADER) + length);
    if (ipv4) {
      packet.put((byte) 0x45).put((byte) 0).putShort((short) packet.capacity()).putInt(0);
      packet.put((byte) 64).put((byte) IPPROTO_UDP).putShort((short) 0);
    } else {
      packet.putInt(0x6000_0000).putShort((short) length);
      packet.put((byte) IPPROTO_UDP).put((byte) 64);
    }
    packet.put(from.getAddress()).put(to.getAddress().getAddress());
    packet.putShort((short) 4_000).putShort((short) to.getPort());
    return packet.putShort((short) length).putShort((short) 0).put(payload).flip();
  }

  /** Behind every socket, by what translates in its own namespace. */
  @Tag("attack")
  @Test
  void whoTranslatesItsAddressIsNotTakenForAnother() {
    int port = shop.freshPort();
    grant(shop.buyer, shop.store, port);
    excludeOfTheThief(port);
    for (Family family : Family.values()) {
      String words = family == Family.IPV4 ? "ip" : "ip6";
      inside(
          shop.thief,
          "table %s test { chain out { type nat hook postrouting priority 100; udp dport %d snat to %s; }\n}"
              .formatted(words, port, IpAddresses.text(shop.buyer.address(family))));
      try (Datagrams there = Datagrams.echo(shop.store, family, port)) {
        long before = counted(shop.thief, "outbound", "refused", "forwarded");
        assertNotPermitted(() -> Datagrams.send(shop.thief, family, there.address(), "forged"));

        assertThat(counted(shop.thief, "outbound", "refused", "forwarded")).isEqualTo(before + 1);
        assertThat(there.received()).isEmpty();
      } finally {
        inside(shop.thief, "delete table " + words + " test");
      }
    }
    Attack.tried("a datagram whose source is translated to another pod's address, " + mechanism)
        .refusedBy((mechanism.hooksConnect() ? "skb_egress" : "rules") + ", EPERM")
        .countedAs("sluice_interception_refused_total{reason=\"forwarded\"}");
  }

  private static void inside(SitePod pod, String rules) {
    Commands.run("ip", "netns", "exec", pod.netns(), "nft", rules);
  }

  /** Nobody of the mesh has that address, so that it would be taken for somebody from outside. */
  @Tag("attack")
  @Test
  void whoTakesAnAddressBeyondTheMeshSendsNothingIntoIt() {
    int port = shop.freshPort();
    excludeOfTheThief(port);
    for (Family family : Family.values()) {
      InetAddress nobodys = nobodys(family);
      int forger = boundToNobodys(family);
      int raw = shop.thief.call(() -> Sockets.socket(family.domain(), SOCK_RAW, IPPROTO_RAW));
      try (Datagrams there = Datagrams.echo(shop.store, family, port)) {
        long before = counted(shop.thief, "outbound", "refused", "forwarded");
        assertNotPermitted(() -> Sockets.sendTo(forger, text("forged"), 0, there.address()));
        InetSocketAddress host = new InetSocketAddress(there.address().getAddress(), 0);
        tryTo(() -> Sockets.sendTo(raw, packet(nobodys, there.address(), "forged"), 0, host));

        assertNothingCame(shop.store, there);
        assertThat(counted(shop.thief, "outbound", "refused", "forwarded")).isEqualTo(before + 2);
      } finally {
        Sockets.close(forger);
        Sockets.close(raw);
      }
    }
    Attack.tried("datagrams to a pod from an address that nobody has, " + mechanism)
        .refusedBy(mechanism.hooksConnect() ? "skb_egress" : "rules")
        .countedAs("sluice_interception_refused_total{reason=\"forwarded\"}");
  }

  private static InetAddress nobodys(Family family) {
    return IpAddresses.parse(family == Family.IPV4 ? "203.0.113.9" : "2001:db8:9::9");
  }

  private int boundToNobodys(Family family) {
    int socket = shop.thief.call(() -> Sockets.socket(family.domain(), Sockets.SOCK_DGRAM, 0));
    try {
      if (family == Family.IPV4) {
        Sockets.setsockopt(socket, Sockets.SOL_IP, IP_TRANSPARENT, 1);
      } else {
        Sockets.setsockopt(socket, Sockets.SOL_IPV6, IPV6_FREEBIND, 1); // needs no capability
      }
      Sockets.bind(socket, new InetSocketAddress(nobodys(family), 0));
      return socket;
    } catch (RuntimeException e) {
      Sockets.close(socket);
      throw e;
    }
  }

  /** Which anybody may send it: the registry need not know the address yet. */
  @Test
  void whoAsksAResolverOfTheMeshNeedsNoAddressInIt() {
    String resolvers =
        Stream.of(Family.values())
            .map(family -> '"' + IpAddresses.text(shop.store.address(family)) + '"')
            .collect(Collectors.joining(", ", "[", "]"));
    shop.configure(false, false, Map.of("dnsResolvers", resolvers));
    try {
      for (Family family : Family.values()) {
        int asking = boundToNobodys(family);
        try {
          long before = counted(shop.thief, "outbound", "refused", "forwarded");
          Sockets.sendTo(asking, text("who?"), 0, shop.store.at(family, MeshPorts.DNS));
          assertThat(counted(shop.thief, "outbound", "refused", "forwarded")).isEqualTo(before);
        } finally {
          Sockets.close(asking);
        }
      }
    } finally {
      shop.configureAsAtFirst();
    }
  }

  /** As of a pod that is found by its processes before the kubelet has told its addresses. */
  @Test
  void whoseAddressesAreNotKnownYetSendsWhatItMay() {
    int port = shop.freshPort();
    String known = Manifests.pod(shop.thief);
    String unknown = known.substring(0, known.indexOf("status:"));
    grant(shop.thief, shop.store, port);
    shop.change(() -> shop.site.registry().write("pod-thief", unknown));
    for (Family family : Family.values()) {
      try (Datagrams there = Datagrams.echo(shop.store, family, port);
          Datagrams beside = Datagrams.echo(shop.store, family, shop.freshPort())) {
        Datagrams.send(shop.thief, family, there.address(), "a");
        Await.until("it has arrived", () -> there.received().equals(List.of("a")));
        assertRefused(shop.thief, family, beside.address());
        assertThat(beside.received()).isEmpty();
      }
    }
  }

  /** The kernel makes its own behind every hook; this one could hide a datagram from it. */
  @Tag("attack")
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aFragmentMadeByHandIsDecidedAsADatagram(boolean behindOptions) {
    int port = shop.freshPort();
    excludeOfTheThief(port);
    int raw = shop.thief.call(() -> Sockets.socket(Family.IPV6.domain(), SOCK_RAW, IPPROTO_RAW));
    try {
      long forwarded = counted(shop.thief, "outbound", "refused", "forwarded");
      long refused = counted(shop.thief, "outbound", "refused", "datagram_refused");
      InetSocketAddress there = shop.store.at(Family.IPV6, port);
      InetSocketAddress outside = shop.stranger.at(Family.IPV6, shop.freshPort());
      sendFragment(raw, nobodys(Family.IPV6), there, behindOptions);
      sendFragment(raw, shop.thief.address(Family.IPV6), outside, behindOptions);

      assertThat(counted(shop.thief, "outbound", "refused", "forwarded")).isEqualTo(forwarded + 1);
      assertThat(counted(shop.thief, "outbound", "refused", "datagram_refused"))
          .isEqualTo(refused + 1);
    } finally {
      Sockets.close(raw);
      excludeNothingOfTheThief();
    }
    Attack.tried("UDP behind a header for fragments of a raw socket's own, " + mechanism)
        .refusedBy(mechanism.hooksConnect() ? "skb_egress" : "rules")
        .countedAs("sluice_interception_refused_total{reason=\"forwarded\"}");
  }

  /** The whole datagram, as the first and last of its fragments (RFC 6946). */
  private static void sendFragment(
      int raw, InetAddress from, InetSocketAddress to, boolean behindOptions) {
    ByteBuffer plain = packet(from, to, "hidden");
    ByteBuffer longer = ByteBuffer.allocate(plain.limit() + (behindOptions ? 16 : 8));
    longer.put(plain.slice(0, IPV6_HEADER));
    longer.putShort(4, (short) (longer.capacity() - IPV6_HEADER));
    longer.put(IPV6_NEXT, (byte) (behindOptions ? DESTINATION_OPTIONS : FRAGMENT));
    if (behindOptions) {
      longer.put((byte) FRAGMENT).put((byte) 0).put((byte) 1).put((byte) 4).putInt(0); // PadN
    }
    longer.put((byte) IPPROTO_UDP).put((byte) 0).putShort((short) 0).putInt(4711);
    longer.put(plain.slice(IPV6_HEADER, plain.limit() - IPV6_HEADER)).flip();
    tryTo(() -> Sockets.sendTo(raw, longer, 0, new InetSocketAddress(to.getAddress(), 0)));
  }

  /** On one wire, by the addresses that the kernel gives every interface itself. */
  @Tag("attack")
  @Test
  void whatComesFromALinkLocalAddressIsTakenAsAnAnswerAlone() {
    int port = shop.freshPort();
    InetSocketAddress any = new InetSocketAddress(IpAddresses.parse("::"), port);
    InetSocketAddress there = new InetSocketAddress(linkLocal(shop.store, shop.thief), port);
    try (Datagrams server = Datagrams.echoAt(shop.store, any)) {
      long before = counted(shop.store, "inbound", "refused", "datagram_refused");
      Datagrams.send(shop.thief, Family.IPV6, there, "unasked");
      Await.until(
          "it is refused",
          () -> counted(shop.store, "inbound", "refused", "datagram_refused") > before);
      assertThat(server.received()).isEmpty();
    }
    try (Datagrams server = Datagrams.echoAt(shop.stranger, any)) {
      InetSocketAddress cache =
          new InetSocketAddress(linkLocal(shop.stranger, shop.thief), any.getPort());
      assertThat(Datagrams.askUnconnected(shop.thief, Family.IPV6, cache, "a")).isEqualTo("a");
      assertThat(Datagrams.askConnected(shop.thief, Family.IPV6, cache, "b")).isEqualTo("b");
      assertThat(server.received()).containsExactly("a", "b");
    }
    Attack.tried("a datagram from a link-local address to a pod on the same wire, " + mechanism)
        .refusedBy(mechanism.hooksConnect() ? "skb_ingress" : "rules")
        .countedAs("sluice_interception_refused_total{reason=\"datagram_refused\"}");
  }

  /**
   * Of {@code pod}, as {@code from} calls it, once the kernel has found that nobody else has it.
   */
  private static InetAddress linkLocal(SitePod pod, SitePod from) {
    String address = eth0(pod)[0];
    int wire = Integer.parseInt(eth0(from)[1], 16);
    try {
      return Inet6Address.getByAddress(null, HexFormat.of().parseHex(address), wire);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("the kernel writes 16 octets", e);
    }
  }

  /** Address, index, length of the prefix, scope, flags and name; see net/ipv6/addrconf.c. */
  private static String[] eth0(SitePod pod) {
    return Await.value(
        "the link-local address is in use",
        Await.PATIENCE,
        () ->
            pod.procNet("if_inet6")
                .lines()
                .map(line -> line.strip().split("\\s+", -1))
                .filter(words -> words[0].startsWith("fe80") && words[5].equals("eth0"))
                .filter(words -> (Integer.parseInt(words[4], 16) & IFA_F_TENTATIVE) == 0)
                .findFirst());
  }

  /** What a socket was connected to before the mesh became strict, or while it was granted. */
  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void aSocketThatWasConnectedBeforeSendsNothingMoreOutOfTheMesh(Family family) {
    shop.configure(true, false, Map.of());
    int connected = shop.thief.call(() -> Sockets.socket(family.domain(), Sockets.SOCK_DGRAM, 0));
    try (Datagrams there = Datagrams.echo(shop.stranger, family, shop.freshPort())) {
      Sockets.connect(connected, there.address());
      Sockets.write(connected, text("before"));
      Await.until("it has arrived", () -> there.received().equals(List.of("before")));

      shop.configureAsAtFirst();

      long before = counted(shop.thief, "outbound", "refused", "datagram_refused");
      assertNotPermitted(() -> Sockets.write(connected, text("after")));
      assertThat(counted(shop.thief, "outbound", "refused", "datagram_refused"))
          .isEqualTo(before + 1);
      Datagrams.send(shop.stranger, family, there.address(), "own");
      Await.until("its own has arrived", () -> there.received().size() > 1);
      assertThat(there.received()).containsExactly("before", "own");
    } finally {
      Sockets.close(connected);
      shop.configureAsAtFirst();
    }
    Attack.tried("UDP by a socket that was connected while the mesh was permissive, " + mechanism)
        .refusedBy((mechanism.hooksConnect() ? "skb_egress" : "rules") + ", EPERM")
        .countedAs("sluice_interception_refused_total{reason=\"datagram_refused\"}");
  }

  /** Who is asked no more goes on from the port that was asked, without a rest. */
  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void answersEndWithTheGrant(Family family) {
    int port = shop.freshPort();
    grant(shop.buyer, shop.thief, port);
    int asked = bound(shop.thief, family, port);
    try (Datagrams asking = Datagrams.echo(shop.buyer, family, shop.freshPort())) {
      excludeOfTheThief(asking.address().getPort());
      InetSocketAddress thiefs = shop.thief.at(family, port);
      asking.send("question", thiefs);
      tryTo(() -> Sockets.sendTo(asked, text("answer"), 0, asking.address()));
      Await.until("it is answered", () -> asking.received().contains("answer"));

      grant(shop.buyer, shop.thief, shop.freshPort());

      long before = counted(shop.buyer, "inbound", "refused", "datagram_refused");
      Sockets.sendTo(asked, text("late"), 0, asking.address());
      Await.until(
          "it is refused",
          () -> counted(shop.buyer, "inbound", "refused", "datagram_refused") > before);
      assertThat(asking.received()).doesNotContain("late");
    } finally {
      Sockets.close(asked);
      excludeNothingOfTheThief();
    }
    Attack.tried("an answer where the question is granted no more, " + mechanism)
        .refusedBy(mechanism.hooksConnect() ? "skb_ingress" : "rules")
        .countedAs("sluice_interception_refused_total{reason=\"datagram_refused\"}");
  }

  /** Rules ask about each packet of UDP; so do programs, whatever socket has made it. */
  @Tag("attack")
  @Test
  void aSocketThatWritesHeadersSendsNoOtherDatagrams() {
    for (Family family : Family.values()) {
      int raw = shop.thief.call(() -> Sockets.socket(family.domain(), SOCK_RAW, IPPROTO_RAW));
      try (Datagrams there = Datagrams.echo(shop.stranger, family, shop.freshPort())) {
        long before = counted(shop.thief, "outbound", "refused", "datagram_refused");
        InetSocketAddress host = new InetSocketAddress(there.address().getAddress(), 0);
        InetAddress own = shop.thief.address(family);
        tryTo(() -> Sockets.sendTo(raw, packet(own, there.address(), "raw"), 0, host));
        assertThat(counted(shop.thief, "outbound", "refused", "datagram_refused"))
            .isEqualTo(before + 1);
      } finally {
        Sockets.close(raw);
      }
    }
    Attack.tried("UDP out of the mesh by a raw socket, " + mechanism)
        .refusedBy(mechanism.hooksConnect() ? "skb_egress" : "rules")
        .countedAs("sluice_interception_refused_total{reason=\"datagram_refused\"}");
  }

  /** The daemon has not read all of the registry, and so not who the sender is. */
  @Tag("attack")
  @Test
  void whoCannotBeReadIsStillOfTheMesh() {
    int port = shop.freshPort();
    excludeOfTheThief(port);
    try {
      shop.daemon().kill();
      shop.site.registry().write("pod-thief", "kind: Pod\nmetadata: {name: [");
      shop.reviveDaemon();
      for (Family family : Family.values()) {
        try (Datagrams there = Datagrams.echo(shop.store, family, port)) {
          long before = counted(shop.store, "inbound", "refused", "datagram_refused");
          Datagrams.send(shop.thief, family, there.address(), "loot");
          Await.until(
              "it is refused",
              () -> counted(shop.store, "inbound", "refused", "datagram_refused") > before);
          assertThat(there.received()).isEmpty();
        }
      }
    } finally {
      excludeNothingOfTheThief();
      Await.until("all is as before", () -> shop.view().isEnforced());
    }
    Attack.tried("a datagram from a pod whose object cannot be read, " + mechanism)
        .refusedBy(mechanism.hooksConnect() ? "skb_ingress" : "rules")
        .countedAs("sluice_interception_refused_total{reason=\"datagram_refused\"}");
  }

  /** As where a pod has gone and another one gets its address. */
  @Tag("attack")
  @Test
  void whoeverHasTheAddressNextHasNothingOfTheGrant() {
    int port = shop.freshPort();
    SitePod heir = new SitePod("heir", shop.buyer.netns(), shop.buyer.index());
    grant(shop.buyer, shop.store, port);
    try (Datagrams four = Datagrams.echo(shop.store, Family.IPV4, port);
        Datagrams six = Datagrams.echo(shop.store, Family.IPV6, port)) {
      for (Datagrams there : List.of(four, six)) {
        assertThat(ask(shop.buyer, there, "a")).isEqualTo("a");
      }
      shop.change(() -> shop.site.registry().remove("pod-buyer"));
      shop.change(() -> shop.site.registry().write("pod-heir", Manifests.pod(heir)));
      Await.until("the heir is enrolled", () -> shop.view().stateOf(heir).equals("enrolled"));

      for (Datagrams there : List.of(four, six)) {
        assertRefused(heir, there);
        assertThat(there.received()).containsExactly("a");
      }
    } finally {
      shop.change(() -> shop.site.registry().remove("pod-heir"));
      shop.change(() -> shop.site.registry().write("pod-buyer", Manifests.pod(shop.buyer)));
      Await.until("all is as before", () -> shop.view().isEnforced());
    }
  }

  @Test
  void whatWasCountedOutlivesTheDaemon() {
    if (!mechanism.hooksConnect()) {
      return; // rules count no pairs
    }
    int port = shop.freshPort();
    grant(shop.buyer, shop.store, port);
    List<Double> source = told("source");
    List<Double> destination = told("destination");
    try (Datagrams there = Datagrams.echo(shop.store, Family.IPV4, port)) {
      for (int i = 0; i < 100; i++) {
        assertThat(Datagrams.askUnconnected(shop.buyer, Family.IPV4, there.address(), "abc"))
            .isEqualTo("abc");
      }
      assertThat(rules())
          .containsExactly("buyer outbound 100 300 100", "store inbound 100 300 100");

      assertThat(more(source, told("source"))).containsExactly(100.0, 100.0, 300.0);
      assertThat(more(destination, told("destination"))).containsExactly(100.0, 100.0, 300.0);

      shop.daemon().kill();
      shop.reviveDaemon();

      assertThat(rules())
          .containsExactly("buyer outbound 100 300 100", "store inbound 100 300 100");
    }
  }

  /** Tests before have counted too. */
  private static List<Double> more(List<Double> before, List<Double> now) {
    return IntStream.range(0, now.size()).mapToObj(i -> now.get(i) - before.get(i)).toList();
  }

  /** Datagrams to the store, answers, bytes to the store, by the metrics of an end. */
  private List<Double> told(String reporter) {
    String end = "reporter=\"" + reporter + "\"";
    String toStore = "destination_workload=\"store\"";
    return List.of(
        shop.view().metric("sluice_datagrams_sent_total", end, toStore),
        shop.view().metric("sluice_datagrams_sent_total", end, "source_workload=\"store\""),
        shop.view().metric("sluice_datagrams_sent_bytes_total", end, toStore));
  }

  private List<String> rules() {
    return shop.view().dump("datagram_rules").stream()
        .map(row ->
            Stream.of("pod", "direction", "datagrams", "bytes", "answers")
                .map(row::get)
                .collect(Collectors.joining(" "))
                .replace("shop/", ""))
        .sorted()
        .toList();
  }

  /** The stranger does what a node does for Services, on the way there and back. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void aServiceIsAskedThatLeadsToWhatIsGranted(Family family) {
    int port = shop.freshPort();
    InetAddress clusterIp = IpAddresses.parse(family == Family.IPV4 ? "10.99.0.77" : "fd99::77");
    InetSocketAddress service = new InetSocketAddress(clusterIp, SERVICE_PORT);
    shop.change(() ->
        shop.site
            .registry()
            .write(
                "datagram-service",
                """
                apiVersion: v1
                kind: Service
                metadata: {name: syslog, namespace: shop}
                spec:
                  clusterIP: "%s"
                  selector: {app: store}
                  ports: [{name: syslog, port: %d, targetPort: %d, protocol: UDP}]
                """
                    .formatted(IpAddresses.text(clusterIp), SERVICE_PORT, port)));
    translate(family, service, shop.store.at(family, port));
    try (Datagrams there = Datagrams.echo(shop.store, family, port)) {
      assertRefused(shop.buyer, family, service);
      assertThat(foretold(shop.buyer, service)).isEqualTo("refused datagram_refused");
      grant(shop.buyer, shop.store, port);
      assertThat(foretold(shop.buyer, service)).isEqualTo("allowed datagram_granted");
      assertThat(Datagrams.askConnected(shop.buyer, family, service, "a")).isEqualTo("a");
      assertThat(Datagrams.askUnconnected(shop.buyer, family, service, "b")).isEqualTo("b");
      assertRefused(shop.thief, family, service);
      assertThat(there.received()).containsExactly("a", "b");
    } finally {
      translateNothing(family, clusterIp);
      shop.change(() -> shop.site.registry().remove("datagram-service"));
    }
  }

  private void translate(Family family, InetSocketAddress from, InetSocketAddress to) {
    boolean ipv4 = family == Family.IPV4;
    SitePod node = shop.stranger;
    String via = " via " + IpAddresses.text(node.address(family));
    for (String name : List.of("all", "eth0")) {
      shop.sysctl(node, "net/ipv4/conf/" + name + "/send_redirects", "0");
      shop.sysctl(shop.store, "net/ipv6/conf/" + name + "/accept_redirects", "0");
    }
    shop.sysctl(node, ipv4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding", "1");
    inside(
        node,
        """
        table %1$s test {
          chain there { type nat hook prerouting priority -100;
            %1$s daddr %2$s udp dport %3$d dnat to %4$s; }
        }
        """
            .formatted(
                ipv4 ? "ip" : "ip6",
                IpAddresses.text(from.getAddress()),
                from.getPort(),
                IpAddresses.text(to)));
    for (SitePod pod : List.of(shop.buyer, shop.thief)) {
      Commands.ip(pod.netns(), List.of("route replace " + Cidr.of(from.getAddress()) + via));
    }
    Commands.ip(
        shop.store.netns(), List.of("route replace " + Cidr.of(shop.buyer.address(family)) + via));
  }

  private void translateNothing(Family family, InetAddress clusterIp) {
    for (SitePod pod : List.of(shop.buyer, shop.thief)) {
      Commands.ip(pod.netns(), List.of("route del " + Cidr.of(clusterIp)));
    }
    Commands.ip(shop.store.netns(), List.of("route del " + Cidr.of(shop.buyer.address(family))));
    inside(shop.stranger, "delete table " + (family == Family.IPV4 ? "ip" : "ip6") + " test");
  }
}
