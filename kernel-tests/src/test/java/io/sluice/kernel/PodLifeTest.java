package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Pods come, go and are made anew, and files break, while the daemon runs. */
@Tag("kernel")
class PodLifeTest {

  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.lent(Mechanism.EBPF);
  }

  @Test
  void aSandboxMadeAnewUnderTheSameNameIsEnrolledAgain() {
    SitePod pod = enrolled("phoenix");
    long before = pod.cookie();
    shop.site.deleteNamespace(pod);
    shop.site.remakeNamespace(pod);
    Await.until("the new sandbox is enrolled", () -> isServed(pod));

    assertThat(shop.view().pins().podCookies()).doesNotContain(before);
    try (TcpServer server = TcpServer.echo(pod, Family.IPV4, shop.freshPort())) {
      InetSocketAddress destination = pod.at(Family.IPV4, server.port());
      assertThat(Attempt.from(shop.stranger, destination, "hi").wasTurnedAway()).isTrue();
      assertThat(Attempt.from(pod, shop.service(Family.IPV4), "hi").wasTurnedAway()).isTrue();
      assertThat(server.accepted()).isEmpty();
    }
  }

  @Test
  void theNamespaceOfADeletedPodGoesDespiteLiveConnections() {
    SitePod pod = enrolled("mayfly");
    long cookie = pod.cookie();
    shop.change(() ->
        shop.site
            .registry()
            .write("buyer-to-mayfly", Manifests.trafficTarget("buyer", "mayfly", List.of())));
    TcpServer server = TcpServer.echo(pod, Family.IPV4, shop.freshPort());
    try (Talk talk = Talk.begin(shop.buyer, pod.at(Family.IPV4, server.port()))) {
      assertThat(talk.isAlive()).isTrue();
      assertThat(shop.site.cableExists(pod)).isTrue();

      shop.site.deleteNamespace(pod);
      server.close(); // a container's processes die with its sandbox

      Await.until("the namespace has gone", () -> !shop.site.cableExists(pod));
      assertThat(talk.isAlive()).isFalse();
    }
    shop.change(() -> shop.site.registry().remove(pod));
    Await.until("its pins have gone", () -> !shop.view().pins().podCookies().contains(cookie));
  }

  @Test
  void aBrokenFileKeepsItsLastGoodStateAndIsReported() {
    try (TcpServer server = TcpServer.echo(shop.store, Family.IPV4, Shop.STORE_PORT)) {
      shop.site.registry().write("service-store", "apiVersion: v1\nkind: Service\n  bad: [");
      Await.until(
          "the broken file is reported",
          () ->
              shop.daemon()
                  .log()
                  .lines()
                  .anyMatch(l -> l.contains("registry_problem") && l.contains("service-store")));

      Attempt attempt = Attempt.from(shop.buyer, shop.service(Family.IPV4), "hi");

      assertThat(attempt.answer()).as("%s", attempt).isEqualTo("hi");
      assertThat(server.accepted()).hasSize(1);
    } finally {
      shop.writeService();
    }
  }

  @Test
  void aPodWhoseFileBrokeWhileTheDaemonWasDeadStaysClosed() {
    SitePod pod = enrolled("unlucky");
    try (TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort())) {
      shop.daemon().kill();
      shop.site.registry().write("pod-unlucky", "kind: Pod\n  bad: [");
      shop.daemon().start();

      Attempt out = Attempt.from(pod, shop.stranger.at(Family.IPV4, outside.port()), "hi");

      assertThat(out.wasTurnedAway()).as("%s", out).isTrue();
      assertThat(outside.accepted()).isEmpty();
      shop.site.registry().write(pod);
      Await.until("it is served again", () -> isServed(pod));
    }
  }

  @Test
  void aPodThatLeavesTheMeshIsFreeAndKeepsItsConnections() {
    SitePod pod = enrolled("leaver");
    try (TcpServer outside = TcpServer.echo(shop.stranger, Family.IPV4, shop.freshPort())) {
      InetSocketAddress destination = shop.stranger.at(Family.IPV4, outside.port());
      assertThat(Attempt.from(pod, destination, "hi").wasTurnedAway()).isTrue();

      shop.change(() -> shop.site.registry().remove(pod));

      Await.until("it is free", () -> Attempt.from(pod, destination, "hi").answered());
      assertThat(outside.accepted().getLast().peer().getAddress())
          .isEqualTo(pod.address(Family.IPV4));
    }
  }

  private static SitePod enrolled(String name) {
    SitePod pod = shop.site.addPods(name).getFirst();
    shop.change(() -> shop.site.registry().write(pod));
    Await.until(name + " is enrolled", () -> isServed(pod));
    return pod;
  }

  /**
   * Enrolled by the daemon's word with the namespace it has now, and its listeners are in their
   * slots.
   */
  private static boolean isServed(SitePod pod) {
    long cookie = pod.cookie();
    return shop.view().pods().stream()
            .filter(entry -> entry.path("pod").asText().equals(pod.meshName()))
            .filter(entry -> entry.path("state").asText().equals("enrolled"))
            .anyMatch(entry -> entry.path("netnsCookie").asLong() == cookie)
        && shop.view().dump("listeners").stream()
            .filter(row -> row.getOrDefault("pod", "").equals(pod.meshName()))
            .noneMatch(row -> row.getOrDefault("socket_cookie", "").equals("-"));
  }
}
