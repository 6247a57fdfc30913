package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.site.Attempt;
import io.sluice.kernel.site.SitePod;
import io.sluice.kernel.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Connection tracking remembers a refused connection for some seconds, and with it that no rule
 * applied: the same ports again must not pass where rules have come into force meanwhile.
 */
@Tag("kernel")
class OldConntrackTest {
  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.open(Mechanism.IPTABLES); // from now on the pods have connection tracking
  }

  @ParameterizedTest
  @CsvSource({"SPLIT, IPV4", "SPLIT, IPV6", "IPTABLES, IPV4", "IPTABLES, IPV6"})
  void aRefusedConnectionDoesNotPassNewRulesByItsOldPorts(Mechanism next, Family family) {
    switchTo(Mechanism.EBPF);
    try (TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT);
        TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
      InetSocketAddress inbound = shop.store.at(family, store.port());
      InetSocketAddress outbound = shop.stranger.at(family, outside.port());
      int port = shop.freshPort();
      assertRefused(fromPort(port, shop.stranger, family, inbound));
      assertRefused(fromPort(port, shop.thief, family, outbound));

      switchTo(next);

      assertRefused(fromPort(port, shop.stranger, family, inbound));
      assertRefused(fromPort(port, shop.thief, family, outbound));
      assertThat(store.accepted()).isEmpty();
      assertThat(outside.accepted()).isEmpty();
    }
  }

  private static void switchTo(Mechanism mechanism) {
    shop.daemon().kill();
    shop.site.startDaemon("--mode", mechanism.mode());
  }

  private static Attempt fromPort(
      int port, SitePod from, Family family, InetSocketAddress destination) {
    return from.call(() -> {
      try (SocketChannel channel =
          SocketChannel.open(
              family == Family.IPV4
                  ? StandardProtocolFamily.INET
                  : StandardProtocolFamily.INET6)) {
        channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        channel.bind(from.at(family, port));
        return Attempt.of(from, channel, destination, "hi");
      }
    });
  }

  private static void assertRefused(Attempt attempt) {
    assertThat(attempt.wasRefused()).as("%s", attempt).isTrue();
  }
}
