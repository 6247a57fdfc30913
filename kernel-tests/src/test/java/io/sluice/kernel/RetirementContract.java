package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.node.NodeCleanup;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** A mesh is taken away, node by node, while its pods go on calling each other. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
abstract class RetirementContract extends RealServersContract {
  @Test
  @Order(Integer.MAX_VALUE) // no mesh is left
  void callsGoOnInClearWhileOneNodeAfterTheOtherIsGivenBack() {
    shop.change(() -> grant(shop, shop.buyer, shop.neighbour));
    shop.change(() -> grant(shop, shop.store, shop.buyer));
    try (Traffic traffic = new Traffic()) {
      for (Family family : Family.values()) {
        traffic.begin(shop.buyer, shop.store, family); // to another node
        traffic.begin(shop.buyer, shop.neighbour, family); // within the node
        traffic.begin(shop.store, shop.buyer, family); // from the node that is given back last
      }
      traffic.awaitMore();
      SitePod[] refused = {shop.thief, shop.stranger()};
      for (String step : List.of("ANNOUNCED", "CLEAR")) {
        shop.configure(Map.of("traffic", "{retirement: " + step + "}"));
        traffic.awaitMore();
        traffic.assertRefused(shop.store, refused);
        assertThat(shop.servingView().status().path("retirement").asText()).isEqualTo(step);
      }
      giveBack(shop.a());
      traffic.awaitMore();
      traffic.assertRefused(shop.store, refused); // the thief is free; the store is not
      giveBack(shop.b());
      traffic.awaitMore();
      traffic.assertOneFailureAtMost(mechanisms);
    }
  }

  private static void grant(TwoNodes shop, SitePod from, SitePod to) {
    shop.cluster
        .registry()
        .write(
            from.name() + "-to-" + to.name(),
            Manifests.trafficTarget(from.name(), to.name(), List.of()));
  }

  /** As a retiring DaemonSet does it: the daemon is asked to end, then the node is cleaned up. */
  private static void giveBack(Site site) {
    site.daemon().terminate();
    site.daemon().awaitEnd();
    NodeCleanup.removeAll(site.prefix());
  }
}
