package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.RawTcp;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the programs rely on in the kernel: each was once measured, and breaks them if it changes.
 */
@Tag("kernel")
class KernelFactsTest {
  private static final int TCP_FASTOPEN_CONNECT = 30;
  private static final int SO_REUSEPORT = 15;
  private static final String FAST_OPEN = "net/ipv4/tcp_fastopen";
  private static final byte[] ETH0 = "eth0\0".getBytes(StandardCharsets.US_ASCII);

  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.lent(Mechanism.EBPF);
    shop.sysctl(shop.buyer, FAST_OPEN, "3");
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aFastOpenSendIsRedirected(Family family) {
    try (TcpServer server = echo(family);
        RawTcp client = RawTcp.open(shop.buyer, family, Sockets.IPPROTO_TCP)) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      long before = redirected();
      ByteBuffer hello = ByteBuffer.wrap("hello".getBytes(StandardCharsets.US_ASCII));
      try {
        Sockets.sendTo(client.fd(), hello, Sockets.MSG_FASTOPEN, destination);
      } catch (LinuxException e) {
        // Without a cookie the data follows the handshake.
        assertThat(e.errno().name()).isEqualTo("EINPROGRESS");
        client.awaitConnected(destination);
        client.send("hello");
      }

      assertThat(client.receive(5)).isEqualTo("hello");
      assertRedirectedOnce(before, client, destination);
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aDeferredFastOpenConnectIsRedirected(Family family) {
    try (TcpServer server = echo(family)) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      long before = redirected();
      try (RawTcp client = RawTcp.open(shop.buyer, family, Sockets.IPPROTO_TCP)) {
        Sockets.setsockopt(client.fd(), Sockets.SOL_TCP, TCP_FASTOPEN_CONNECT, 1);
        Sockets.connect(client.fd(), destination);

        assertThat(client.exchange("hello")).isEqualTo("hello");
        assertRedirectedOnce(before, client, destination);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aMultipathSocketIsRedirected(Family family) {
    try (TcpServer server = echo(family);
        RawTcp client = RawTcp.open(shop.buyer, family, Sockets.IPPROTO_MPTCP)) {
      InetSocketAddress destination = shop.store.at(family, server.port());
      long before = redirected();

      client.connect(destination);

      assertThat(client.exchange("hello")).isEqualTo("hello");
      assertThat(redirected()).isEqualTo(before + 1);
    }
  }

  @Test
  void aMappedDestinationIsRedirectedAsIpv4() {
    try (TcpServer server = echo(Family.IPV4)) {
      InetSocketAddress destination = shop.store.at(Family.IPV4, server.port());
      long before = redirected();
      try (RawTcp client = RawTcp.connect(shop.buyer, Family.IPV6, destination, fd -> {})) {
        assertThat(client.exchange("hello")).isEqualTo("hello");
        assertThat(client.local().getAddress()).isEqualTo(shop.buyer.address(Family.IPV4));
        assertRedirectedOnce(before, client, destination);
      }
      assertThat(server.accepted().getFirst().peer().getAddress())
          .isEqualTo(shop.buyer.address(Family.IPV4));
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aSourceAddressChosenByTheApplicationIsKept(Family family) {
    try (TcpServer server = echo(family)) {
      InetSocketAddress source = shop.buyer.at(family, shop.freshPort());
      InetSocketAddress destination = shop.store.at(family, server.port());
      long before = redirected();
      try (RawTcp client =
          RawTcp.connect(shop.buyer, family, destination, fd -> Sockets.bind(fd, source))) {
        assertThat(client.exchange("hello")).isEqualTo("hello");
        assertThat(client.local()).isEqualTo(source);
        assertRedirectedOnce(before, client, destination);
      }
      assertThat(server.accepted().getFirst().peer()).isEqualTo(source);
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aSocketBoundToThePodsInterfaceIsRedirected(Family family) {
    try (TcpServer server = echo(family)) {
      assertRedirected(
          server,
          family,
          fd -> Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_BINDTODEVICE, ETH0));
    }
  }

  /** Of a connection whose socket is prepared so: once, and both ends agree. */
  private static void assertRedirected(TcpServer server, Family family, IntConsumer prepare) {
    InetSocketAddress destination = shop.store.at(family, server.port());
    long before = redirected();
    try (RawTcp client = RawTcp.connect(shop.buyer, family, destination, prepare)) {
      assertThat(client.exchange("hello")).isEqualTo("hello");
      assertRedirectedOnce(before, client, destination);
    }
  }

  @Test
  void aSocketBoundToASecondInterfaceIsRefusedAndCounted() {
    shop.site.joinBySecondInterface(shop.thief, shop.stranger);
    long before = shop.view().counted(shop.thief, "outbound", "refused", "other_interface");
    byte[] net1 = "net1\0".getBytes(StandardCharsets.US_ASCII);
    InetSocketAddress destination = shop.stranger.at(Family.IPV4, shop.freshPort());

    assertThatThrownBy(() ->
            RawTcp.connect(
                shop.thief,
                Family.IPV4,
                destination,
                fd -> Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_BINDTODEVICE, net1)))
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));

    assertThat(shop.view().counted(shop.thief, "outbound", "refused", "other_interface"))
        .isEqualTo(before + 1);
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void noProgramOfThePodCanJoinAListenerOfTheProxy(Family family) {
    List<InetSocketAddress> listeners = InboundTest.listenersOf(shop.thief, family);
    assertThat(listeners).hasSize(2);
    for (InetSocketAddress listener : listeners) {
      try (RawTcp joining = RawTcp.open(shop.thief, family, Sockets.IPPROTO_TCP)) {
        Sockets.setsockopt(joining.fd(), Sockets.SOL_SOCKET, SO_REUSEPORT, 1);
        Sockets.setsockopt(joining.fd(), Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);

        assertThatThrownBy(
                () -> {
                  Sockets.bind(joining.fd(), listener);
                  Sockets.listen(joining.fd(), 1);
                })
            .isInstanceOfSatisfying(
                LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EADDRINUSE));
      }
    }
  }

  @Test
  void theNamespaceCookieIsTheSameForProgramsAndSockets() {
    try (NetnsHandle handle = shop.buyer.open()) {
      String cookie = Long.toUnsignedString(handle.cookie());

      assertThat(shop.view().dump("pods"))
          .filteredOn(row -> row.getOrDefault("pod", "").equals(shop.buyer.meshName()))
          .extracting(row -> row.getOrDefault("netns_cookie", ""))
          .containsExactly(cookie);
      assertThat(handle.cookie())
          .isEqualTo(shop.view().pins().podCookies().stream().sorted().findFirst().orElseThrow());
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aMarkSetByTheApplicationDoesNotMakeItTheProxy(Family family) {
    try (TcpServer server = echo(family)) {
      for (int mark : new int[] {1, 0x539, -1}) {
        assertRedirected(
            server,
            family,
            fd -> Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_MARK, mark));
      }
    }
  }

  @Test
  void aSecondConnectCallOfANonBlockingSocketChangesNothing() {
    try (TcpServer server = echo(Family.IPV4);
        RawTcp client = RawTcp.open(shop.buyer, Family.IPV4, Sockets.IPPROTO_TCP)) {
      InetSocketAddress destination = shop.store.at(Family.IPV4, server.port());
      long before = redirected();
      client.connect(destination);
      try {
        Sockets.connect(client.fd(), destination);
      } catch (LinuxException e) {
        assertThat(e.errno()).isEqualTo(Errno.EISCONN);
      }

      assertThat(client.exchange("hello")).isEqualTo("hello");
      assertRedirectedOnce(before, client, destination);
    }
  }

  @Test
  void aSocketReconnectsAfterAFailedAttempt() {
    try (TcpServer server = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort());
        RawTcp client = RawTcp.open(shop.buyer, Family.IPV4, Sockets.IPPROTO_TCP)) {
      Sockets.connect(client.fd(), shop.outside(Family.IPV4, shop.freshPort()));
      Await.until("the first attempt was refused", () -> Sockets.error(client.fd()) != 0);
      shop.configure(false, false, Map.of("outboundPortExclusionList", "[" + server.port() + "]"));
      InetSocketAddress direct = shop.stranger.at(Family.IPV4, server.port());
      Await.until("the port is excluded", () -> Attempt.from(shop.buyer, direct, "x").answered());

      assertThatThrownBy(() -> client.connect(direct))
          .as("connect(2): one call reports the end of the attempt before")
          .hasMessageContaining("ECONNABORTED");
      client.connect(direct);

      assertThat(client.exchange("hello")).isEqualTo("hello");
      assertThat(client.peer()).as("not the first attempt's").isEqualTo(direct);
    } finally {
      shop.configureAsAtFirst();
    }
  }

  @Test
  void aSocketThatIsIpv6OnlyIsRedirected() {
    try (TcpServer server = echo(Family.IPV6)) {
      assertRedirected(
          server,
          Family.IPV6,
          fd -> Sockets.setsockopt(fd, Sockets.SOL_IPV6, Sockets.IPV6_V6ONLY, 1));
    }
  }

  private static TcpServer echo(Family family) {
    return TcpServer.echo(shop.store, family, shop.freshPort());
  }

  private static long redirected() {
    return shop.view().counted(shop.buyer, "outbound", "redirected", "mesh_traffic");
  }

  /** Redirected exactly once, and proxy and application agree on where it was going. */
  private static void assertRedirectedOnce(
      long before, RawTcp client, InetSocketAddress destination) {
    assertThat(redirected()).isEqualTo(before + 1);
    assertThat(client.peer()).as("getpeername").isEqualTo(destination);
    InetSocketAddress local = client.local();
    client.close();
    // By both ends: a port may have been used before.
    Await.until(
        "the access log tells of " + local + " to " + destination,
        () ->
            shop.view().accessLog().stream()
                .filter(record -> record.path("direction").asText().equals("outbound"))
                .filter(record -> text(record, "client").equals(IpAddresses.text(local)))
                .anyMatch(record ->
                    text(record, "original_destination").equals(IpAddresses.text(destination))));
  }

  private static String text(JsonNode record, String field) {
    return record.path(field).asText();
  }
}
