package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** The controller is gone: what has certificates goes on, also over a restart of its node. */
@Tag("kernel")
class ControllerLossTest {
  private static final int PORT = 8080;

  @ParameterizedTest
  @EnumSource(value = Mechanism.class, names = "SPLIT", mode = Mode.EXCLUDE)
  void trafficGoesOnWithoutTheController(Mechanism mechanism) {
    try (TwoNodes shop = TwoNodes.open(mechanism);
        TcpServer server = TcpServer.echo(shop.store, Family.IPV6, PORT);
        Talk held = Talk.begin(shop.buyer, shop.store.at(Family.IPV6, PORT))) {
      assertThat(held.isAlive()).isTrue();

      shop.control().kill();

      assertThat(shop.call(shop.buyer, Family.IPV6, PORT, "hi").answered()).isTrue();
      assertThat(shop.call(shop.neighbour, Family.IPV6, PORT, "hi").answered()).isTrue();
      assertThat(held.isAlive()).isTrue();
      assertThat(server.accepted()).hasSize(3);
      assertThat(shop.callingView().status().path("ready").asBoolean()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(value = Mechanism.class, names = "SPLIT", mode = Mode.EXCLUDE)
  void aNodeThatKeepsItsKeysSpeaksMutualTlsAtOnceWithoutTheController(Mechanism mechanism) {
    try (TwoNodes shop = TwoNodes.open(mechanism, "--keep-keys");
        TcpServer server = TcpServer.echo(shop.store, Family.IPV4, PORT)) {
      Set<String> before = serials(shop);
      shop.control().kill();
      shop.a().daemon().kill();

      shop.a().daemon().start();

      InetSocketAddress store = shop.store.at(Family.IPV4, PORT);
      try (Talk first = Talk.begin(shop.buyer, store)) {
        assertThat(first.isAlive()).isTrue();
      }
      assertThat(shop.call(shop.thief, Family.IPV4, PORT, "please").wasTurnedAway()).isTrue();
      assertThat(serials(shop)).isEqualTo(before);
      assertThat(server.accepted()).hasSize(1);
    }
  }

  private static Set<String> serials(TwoNodes shop) {
    Set<String> serials = new HashSet<>();
    shop.callingView()
        .certificates()
        .forEach(certificate -> serials.add(certificate.path("serial").asText()));
    return serials;
  }
}
