package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Callers;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.node.NodeCleanup;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** A mesh is taken away, node by node, while its pods go on calling each other. */
@Tag("kernel")
class RetirementTest {
  private static final int CALLS = 20;

  @ParameterizedTest
  @EnumSource(value = Mechanism.class, names = "SPLIT", mode = Mode.EXCLUDE)
  void callsGoOnInClearWhileOneNodeAfterTheOtherIsGivenBack(Mechanism mechanism) {
    try (TwoNodes shop = TwoNodes.open(mechanism, "--drain-seconds", "2")) {
      shop.change(() -> {
        grant(shop, shop.buyer, shop.neighbour);
        grant(shop, shop.store, shop.buyer);
      });
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
        traffic.assertOneFailureAtMost(mechanism);
      }
    }
  }

  /**
   * Strict policy, without egress: all of its pods leave at once, and what they have open goes on.
   */
  @ParameterizedTest
  @EnumSource(value = Mechanism.class, names = "SPLIT", mode = Mode.EXCLUDE)
  void callsGoOnWhileTheirNamespaceLeavesTheMesh(Mechanism mechanism) {
    try (Shop shop = Shop.open(mechanism);
        Traffic traffic = new Traffic()) {
      for (Family family : Family.values()) {
        traffic.begin(shop.buyer, shop.store, family);
      }
      traffic.awaitMore();
      try (Talk held = Talk.begin(shop.buyer, shop.store.at(Family.IPV4, Shop.STORE_PORT))) {
        assertThat(held.exchange("before")).isEqualTo("before");
        traffic.assertRefused(shop.store, shop.thief, shop.stranger);

        shop.change(() ->
            shop.site
                .registry()
                .write("namespace", Manifests.namespace().replace("enabled", "disabled")));
        traffic.awaitMore();

        assertThat(held.exchange("after")).isEqualTo("after");
      }
      traffic.assertOneFailureAtMost(mechanism);
      for (SitePod pod : List.of(shop.buyer, shop.store, shop.thief)) {
        Await.until("nothing is left in " + pod.name(), () -> Traces.in(pod).isEmpty());
      }
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

  /** Clients that call all the time, and the servers that they call. */
  private static final class Traffic implements AutoCloseable {
    private final Map<String, Callers> callers = new TreeMap<>();
    private final List<TcpServer> servers = new ArrayList<>();
    private final Map<String, TcpServer> byServer = new TreeMap<>();

    void begin(SitePod client, SitePod server, Family family) {
      TcpServer echo =
          byServer.computeIfAbsent(
              server.name() + family,
              _ -> {
                TcpServer opened = TcpServer.echo(server, family, Shop.STORE_PORT);
                servers.add(opened);
                return opened;
              });
      callers.put(
          client.name() + " to " + server.name() + " by " + family,
          new Callers(client, server.at(family, echo.port())));
    }

    /** Every client has some answers more. */
    void awaitMore() {
      callers.forEach((name, one) -> {
        long before = one.answered();
        Await.until(name + " is answered", () -> one.answered() >= before + CALLS);
      });
    }

    void assertRefused(SitePod server, SitePod... clients) {
      for (Family family : Family.values()) {
        for (SitePod client : clients) {
          Attempt attempt = Attempt.from(client, server.at(family, Shop.STORE_PORT), "hi");
          assertThat(attempt.wasTurnedAway()).as("%s: %s", client.name(), attempt).isTrue();
        }
      }
    }

    void assertOneFailureAtMost(Mechanism mechanism) {
      double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
      callers.forEach((name, one) ->
          System.out.printf(
              "retirement %s, %s: %d answered, %d failed, gap %d ms, load %.1f %s%n",
              mechanism.mode(),
              name,
              one.answered(),
              one.failed().size(),
              one.gap().toMillis(),
              load,
              one.failed()));
      callers.forEach((name, one) -> assertThat(one.failed()).as(name).hasSizeLessThan(2));
    }

    @Override
    public void close() {
      callers.values().forEach(Callers::close);
      servers.forEach(TcpServer::close);
    }
  }
}
