package io.sluice.linux.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.ScratchNetns;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("kernel")
class LocalRouteTest {
  private static final Inet6Address PREFIX = (Inet6Address) InetAddress.ofLiteral("100:0:0:1::");

  private static final InetAddress INSIDE = InetAddress.ofLiteral("100:0:0:1:89ab:cdef:123:4567");

  private final LinuxNetworkNamespaces namespaces = new LinuxNetworkNamespaces();
  private ScratchNetns scratch;
  private NetnsHandle netns;
  private LocalRoute route;

  @BeforeEach
  void open() throws IOException, InterruptedException {
    scratch = ScratchNetns.create();
    netns = scratch.open();
    route = namespaces.callIn(netns, () -> LocalRoute.open(PREFIX, 64));
  }

  @AfterEach
  void close() throws IOException, InterruptedException {
    route.close();
    netns.close();
    scratch.close();
  }

  @Test
  void makesEveryAddressOfThePrefixTheNamespacesOwnUntilItIsRemoved() {
    assertThat(route.stands()).isFalse();
    assertThatThrownBy(this::source).isInstanceOf(LinuxException.class);

    route.raise();
    route.raise();

    assertThat(route.stands()).isTrue();
    assertThat(source()).isEqualTo(InetAddress.ofLiteral("::1"));

    route.remove();
    route.remove();

    assertThat(route.stands()).isFalse();
    assertThatThrownBy(this::source).isInstanceOf(LinuxException.class);
  }

  /** The source address of a connection into the prefix that was accepted. */
  private InetAddress source() {
    return namespaces.callIn(
        netns,
        () -> {
          int listener = Sockets.listenTcp(InetAddress.ofLiteral("::"), 0, 1);
          int client = Sockets.tcpSocket(Family.IPV6);
          try {
            int port = Sockets.localAddress(listener).getPort();
            Sockets.connect(client, new InetSocketAddress(INSIDE, port));
            int accepted = Sockets.accept(listener).orElseThrow();
            try {
              return Sockets.peerAddress(accepted).getAddress();
            } finally {
              Sockets.close(accepted);
            }
          } finally {
            Sockets.close(client);
            Sockets.close(listener);
          }
        });
  }

  @Test
  void seesThatSomebodyTookItAwayOrLeadsElsewhere() throws IOException, InterruptedException {
    route.raise();
    scratch.inside("ip", "-6", "route", "del", "local", "100:0:0:1::/64", "table", "local");
    assertThat(route.stands()).isFalse();

    scratch.inside("ip", "-6", "rule", "add", "pref", "0", "to", "100:0:0:1::/64", "unreachable");
    scratch.inside("ip", "-6", "rule", "del", "pref", "0", "table", "local");
    scratch.inside("ip", "-6", "rule", "add", "pref", "1", "table", "local");

    assertThatThrownBy(route::raise)
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EADDRNOTAVAIL))
        .hasMessageContaining("ip -6 rule");
  }

  @Test
  void saysWhyTheKernelRefuses() throws IOException, InterruptedException {
    scratch.inside("ip", "link", "set", "lo", "down");

    assertThatThrownBy(route::raise)
        .isInstanceOf(LinuxException.class)
        .hasMessageContaining("RTM_NEWROUTE")
        .hasMessageContaining("100:0:0:1");
    assertThat(route.stands()).isFalse();
  }

  @Test
  void standsWhereTheNamespaceForwards() throws IOException, InterruptedException {
    scratch.inside("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1");

    route.raise();

    assertThat(source()).isEqualTo(InetAddress.ofLiteral("::1"));
  }
}
