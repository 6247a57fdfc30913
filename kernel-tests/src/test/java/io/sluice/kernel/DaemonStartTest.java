package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.CgroupDriver;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.PodUid;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** A daemon starts on what an earlier one left in force, with another registry. */
@Tag("kernel")
class DaemonStartTest {
  private static PodUid freshUid() {
    return new PodUid(UUID.randomUUID().toString());
  }

  private static void register(Shop shop, SitePod pod, PodUid uid) {
    shop.site.registry().write("pod-" + pod.name(), Manifests.runningPod(pod, uid, false));
  }

  private static Process start(Shop shop, SitePod pod, PodUid uid) {
    return shop.site.processes().start(pod, CgroupDriver.SYSTEMD.containerOf(uid, "pause"));
  }

  private static void awaitEnrolled(Shop shop, SitePod pod) {
    Await.until(pod.name() + " is enrolled", () -> shop.view().stateOf(pod).equals("enrolled"));
  }

  @ParameterizedTest
  @EnumSource(value = Mechanism.class, names = "SPLIT", mode = Mode.EXCLUDE)
  void aRestartEnrolsAdoptsAndReleasesAndSaysSo(Mechanism mechanism) {
    try (Shop shop = Shop.open(mechanism)) {
      SitePod stays = shop.site.addPods("stays").getFirst();
      SitePod joins = shop.site.addPods("joins").getFirst();
      PodUid staysUid = freshUid();
      PodUid joinsUid = freshUid();
      start(shop, stays, staysUid);
      start(shop, joins, joinsUid);
      shop.change(() -> register(shop, stays, staysUid));
      awaitEnrolled(shop, stays);

      shop.daemon().kill();
      int logged = shop.daemon().log().length();
      register(shop, joins, joinsUid);
      shop.site.registry().remove(shop.thief);
      shop.daemon().start();

      String log = shop.daemon().log().substring(logged);
      assertThat(log).containsOnlyOnce("start_enrolled pods=1");
      assertThat(log).containsOnlyOnce("start_adopted pods=3");
      Await.until(
          "the release is told", () -> shop.daemon().log().contains("start_released pods=1"));
      assertThat(Traces.in(shop.thief)).isEmpty();
      for (Family family : Family.values()) {
        try (TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort());
            TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
          for (SitePod closed : new SitePod[] {stays, joins, shop.store}) {
            Attempt out = Attempt.from(closed, shop.stranger.at(family, outside.port()), "hi");
            assertThat(out.wasTurnedAway()).as("%s %s", closed, out).isTrue();
          }
          assertThat(
                  Attempt.from(shop.thief, shop.stranger.at(family, outside.port()), "hi").answer())
              .isEqualTo("hi");
          assertThat(Attempt.from(shop.buyer, shop.service(family), "hi").answer()).isEqualTo("hi");
          assertThat(outside.accepted()).hasSize(1);
          assertThat(store.accepted()).hasSize(1);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(value = Mechanism.class, names = "SPLIT", mode = Mode.EXCLUDE)
  void aNamespaceIsReleasedWhereverItIsFoundByNow(Mechanism mechanism) {
    try (Shop shop = Shop.open(mechanism)) {
      SitePod mounted = shop.site.addPods("mounted").getFirst();
      SitePod inhabited = shop.site.addPods("inhabited").getFirst();
      PodUid mountedUid = freshUid();
      PodUid inhabitedUid = freshUid();
      Process first = start(shop, mounted, mountedUid);
      Process second = start(shop, inhabited, inhabitedUid);
      shop.change(() -> register(shop, mounted, mountedUid));
      shop.change(() -> register(shop, inhabited, inhabitedUid));
      awaitEnrolled(shop, mounted);
      awaitEnrolled(shop, inhabited);
      assertThat(Traces.in(mounted)).isNotEmpty();
      assertThat(Traces.in(inhabited)).isNotEmpty();

      shop.daemon().kill();
      // The processes by whose ids the namespaces were found go; a mount and a process remain.
      Process another = shop.site.processes().startOutside(inhabited);
      shop.site.deleteNamespace(inhabited);
      shop.site.processes().end(first);
      shop.site.processes().end(second);
      shop.site.registry().remove(mounted);
      shop.site.registry().remove(inhabited);
      shop.daemon().start();

      Await.until(
          "the release is told", () -> shop.daemon().log().contains("start_released pods=2"));
      shop.site.nameNamespace(inhabited, another);
      assertThat(Traces.in(mounted)).isEmpty();
      assertThat(Traces.in(inhabited)).isEmpty();
    }
  }
}
