package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.CgroupDriver;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Pods that run already are found by the cgroups of their processes, without an annotation. */
@Tag("kernel")
class PodPlacementTest {
  @AutoClose private static ShopsByMechanism shops;

  @BeforeAll
  static void openShops() {
    shops = ShopsByMechanism.lent();
  }

  /** Where a pod is found says nothing of how it is intercepted: in a short run not each pair. */
  static Stream<Arguments> mechanismsAndDrivers() {
    return Mechanism.tried()
        .flatMap(mechanism ->
            Stream.of(CgroupDriver.values())
                .filter(driver ->
                    LongRun.ON || mechanism == Mechanism.EBPF || driver == CgroupDriver.SYSTEMD)
                .map(driver -> Arguments.of(mechanism, driver)));
  }

  @ParameterizedTest
  @MethodSource("mechanismsAndDrivers")
  void aPodIsEnforcedFromSandboxToSandboxAndReleasedAtItsEnd(
      Mechanism mechanism, CgroupDriver driver) {
    Shop shop = shop(mechanism);
    PlacedPod pod = PlacedPod.of(shop, "found-" + driver.ordinal(), driver);
    Process sandbox = pod.start("pause");
    pod.grantToBuyer();
    pod.register();
    pod.awaitEnrolled();
    pod.assertEnforced();

    shop.site.deleteNamespace(pod.pod());
    pod.processes().end(sandbox);
    shop.site.remakeNamespace(pod.pod());
    Process next = pod.start("pause2");

    pod.awaitEnrolled();
    Await.until("the old sandbox has gone", () -> !shop.site.cableExists(pod.pod()));
    shop.site.forgetNeighbours();
    pod.assertEnforced();

    shop.site.deleteNamespace(pod.pod());
    pod.processes().end(next);

    Await.until(
        "it is released",
        PlacedPod.LOOK_PATIENCE,
        () -> pod.entry().path("netnsCookie").asLong() == 0);
    assertThat(pod.entry().path("state").asText()).isEqualTo("pending");
    assertThat(pod.entry().path("problem").asText()).contains("none of its processes runs");
    shop.change(() -> shop.site.registry().remove(pod.pod()));
  }

  @EachMechanism
  void aPodWhoseOnlyContainerRestartsIsNeverOpen(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    PlacedPod pod = PlacedPod.of(shop, "restarting", CgroupDriver.CGROUPFS);
    Process container = pod.start("app");
    pod.grantToBuyer();
    pod.register();
    pod.awaitEnrolled();
    long cookie = pod.entry().path("netnsCookie").asLong();

    pod.processes().end(container); // its namespace stays mounted, as CRI-O keeps it
    PlacedPod.awaitAnotherLook(shop);

    assertThat(pod.entry().path("netnsCookie").asLong()).isEqualTo(cookie);
    pod.assertEnforced();
    pod.start("app2");
    PlacedPod.awaitAnotherLook(shop);
    assertThat(pod.entry().path("netnsCookie").asLong()).isEqualTo(cookie);
    assertThat(shop.daemon().log()).doesNotContain("pod_released pod=" + pod.pod().meshName());
  }

  @EachMechanism
  void theSandboxsNamespaceCountsAndNoneBesideOrInside(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    PlacedPod pod = PlacedPod.of(shop, "nested", CgroupDriver.SYSTEMD);
    SitePod inner = shop.site.addPods("inner").getFirst();
    pod.startIn(shop.site.node(), "conmon"); // the runtime's helper, older than everything
    pod.start("pause");
    PlacedPod.awaitNextTick();
    pod.startIn(inner, "app");
    pod.grantToBuyer();
    pod.register();

    pod.awaitEnrolled();

    pod.assertEnforced();
    assertThat(Traces.in(inner)).isEmpty();
  }

  @EachMechanism
  void podsOfTheNodesNetworkAreLeftOut(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    PlacedPod declared = PlacedPod.of(shop, "declared", CgroupDriver.CGROUPFS);
    declared.startIn(shop.site.node(), "app");
    shop.change(() ->
        shop.site
            .registry()
            .write("pod-declared", Manifests.runningPod(declared.pod(), declared.uid(), true)));
    PlacedPod undeclared = PlacedPod.of(shop, "undeclared", CgroupDriver.CGROUPFS);
    undeclared.startIn(shop.site.node(), "app");
    undeclared.register();

    Await.until(
        "it is told",
        PlacedPod.LOOK_PATIENCE,
        () -> undeclared.entry().path("problem").asText().contains("shares the node's network"));
    assertThat(declared.entry().path("state").asText()).isEqualTo("outside");
    assertThat(shop.daemon().log()).doesNotContain("shop/declared");
    assertThat(Traces.in(shop.site.node())).isEmpty();
    shop.change(() -> shop.site.registry().remove(undeclared.pod()));
  }

  private static Shop shop(Mechanism mechanism) {
    return shops.of(mechanism);
  }
}
