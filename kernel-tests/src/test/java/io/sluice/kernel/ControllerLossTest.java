package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** The controller is gone: what has certificates goes on, also over a restart of its nodes. */
@ExtendWith(SharedShop.class)
@ResourceLock(SharedShop.LOCK)
@Tag("kernel")
class ControllerLossTest {
  private static final int PORT = 8080;

  @Test
  void trafficGoesOnWithoutTheControllerAlsoWhenNodesThatKeepTheirKeysStartAgain(TwoNodes shop) {
    assertGoesOn(shop);
  }

  @Tag("long")
  @ParameterizedTest
  @EnumSource(value = Mechanism.class, names = "SPLIT", mode = Mode.EXCLUDE)
  void trafficGoesOnUnderEachMechanism(Mechanism mechanism) {
    try (TwoNodes shop = TwoNodes.open(mechanism, "--keep-keys")) {
      assertGoesOn(shop);
    }
  }

  private static void assertGoesOn(TwoNodes shop) {
    Set<String> before = serials(shop);
    try {
      loseTheController(shop);
      shop.cluster.sites().forEach(site -> site.daemon().kill());
      shop.cluster.sites().forEach(site -> site.daemon().start());
      assertMutualTlsAtOnce(shop, before);
    } finally {
      shop.control().start();
    }
    for (Site site : shop.cluster.sites()) {
      Await.until(
          "the node follows the controller again",
          Await.patience(60),
          () -> site.daemon().view().status().path("controllerConnected").asBoolean());
    }
  }

  private static void loseTheController(TwoNodes shop) {
    try (TcpServer server = TcpServer.echo(shop.store, Family.IPV6, PORT);
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

  private static void assertMutualTlsAtOnce(TwoNodes shop, Set<String> serials) {
    try (TcpServer server = TcpServer.echo(shop.store, Family.IPV4, PORT)) {
      try (Talk first = Talk.begin(shop.buyer, shop.store.at(Family.IPV4, PORT))) {
        assertThat(first.isAlive()).isTrue();
      }
      assertThat(shop.call(shop.thief, Family.IPV4, PORT, "please").wasTurnedAway()).isTrue();
      assertThat(serials(shop)).isEqualTo(serials);
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
