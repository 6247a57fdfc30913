package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.Callers;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.util.HashSet;
import java.util.List;
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
  private static final int CALLS = 20;

  @Test
  void trafficGoesOnWithoutTheControllerAlsoWhenANodeStartsAgainOrIsHandedOver(TwoNodes shop) {
    assertGoesOn(shop, Mechanism.IPTABLES);
  }

  @Tag("long")
  @ParameterizedTest
  @EnumSource(value = Mechanism.class, names = "SPLIT", mode = Mode.EXCLUDE)
  void trafficGoesOnUnderEachMechanism(Mechanism mechanism) {
    try (TwoNodes shop = TwoNodes.open(mechanism, "--keep-keys")) {
      assertGoesOn(shop, mechanism);
    }
  }

  /** Node a keeps its keys and starts again; node b, under this mechanism, is handed over. */
  private static void assertGoesOn(TwoNodes shop, Mechanism mechanism) {
    Set<String> before = serials(shop);
    try {
      loseTheController(shop);
      handOver(shop, mechanism);
      shop.a().daemon().kill();
      shop.a().daemon().start();
      assertMutualTlsAtOnce(shop);
      assertThat(serials(shop)).isNotEmpty().isEqualTo(before);
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

  private static void assertMutualTlsAtOnce(TwoNodes shop) {
    try (TcpServer server = TcpServer.echo(shop.store, Family.IPV4, PORT)) {
      try (Talk first = Talk.begin(shop.buyer, shop.store.at(Family.IPV4, PORT))) {
        assertThat(first.isAlive()).isTrue();
      }
      assertThat(shop.call(shop.thief, Family.IPV4, PORT, "please").wasTurnedAway()).isTrue();
      assertThat(server.accepted()).hasSize(1);
    }
  }

  /** To a successor that keeps no keys, and so forgets those that were kept: they go along. */
  private static void handOver(TwoNodes shop, Mechanism mechanism) {
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV6, PORT);
        Callers callers = new Callers(shop.buyer, shop.store.at(Family.IPV6, PORT))) {
      DaemonProcess earlier = shop.b().daemon();
      shop.b().succeedDaemonWith(mechanism.arguments()).start();
      earlier.terminate();
      earlier.awaitEnd();
      callers.awaitMore(CALLS);
      assertThat(callers.failed()).as("%s", shop.b().daemon().log()).isEmpty();
    }
  }

  /** Of both nodes. */
  private static Set<String> serials(TwoNodes shop) {
    Set<String> serials = new HashSet<>();
    for (DaemonView view : List.of(shop.callingView(), shop.servingView())) {
      view.certificates().forEach(one -> serials.add(one.path("serial").asText()));
    }
    return serials;
  }
}
