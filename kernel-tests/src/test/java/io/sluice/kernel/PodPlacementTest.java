package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.CgroupDriver;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.PodProcesses;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.PodUid;
import java.util.List;
import java.util.UUID;
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

  /** A pod, its UID, and the processes that run in its cgroups. */
  private record Running(Shop shop, SitePod pod, PodUid uid, CgroupDriver driver) {
    static Running of(Shop shop, String name, CgroupDriver driver) {
      PodUid uid = new PodUid(UUID.randomUUID().toString());
      return new Running(shop, shop.site.addPods(name).getFirst(), uid, driver);
    }

    PodProcesses processes() {
      return shop.site.processes();
    }

    Process start(String container) {
      return startIn(pod, container);
    }

    Process startIn(SitePod network, String container) {
      return processes().start(network, driver.containerOf(uid, container));
    }

    void register() {
      shop.change(() ->
          shop.site.registry().write("pod-" + pod.name(), Manifests.runningPod(pod, uid, false)));
    }

    void awaitEnrolled() {
      long cookie = pod.cookie();
      Await.until(
          pod.name() + " is enrolled with the namespace it has",
          () ->
              entry().path("state").asText().equals("enrolled")
                  && entry().path("netnsCookie").asLong() == cookie);
    }

    JsonNode entry() {
      return shop.view().pods().stream()
          .filter(entry -> entry.path("pod").asText().equals(pod.meshName()))
          .findFirst()
          .orElseThrow();
    }

    /** Strangers and the outside are refused, and whom the policy lets in is served. */
    void assertEnforced() {
      for (Family family : Family.values()) {
        try (TcpServer inside = TcpServer.echo(pod, family, shop.freshPort());
            TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
          Attempt out = Attempt.from(pod, shop.stranger.at(family, outside.port()), "hi");
          Attempt in = Attempt.from(shop.stranger, pod.at(family, inside.port()), "hi");
          Attempt granted = Attempt.from(shop.buyer, pod.at(family, inside.port()), "hi");

          assertThat(out.wasTurnedAway()).as("out %s", out).isTrue();
          assertThat(in.wasTurnedAway()).as("in %s", in).isTrue();
          assertThat(granted.answer()).as("granted %s", granted).isEqualTo("hi");
          assertThat(outside.accepted()).isEmpty();
        }
      }
    }

    void grantToBuyer() {
      shop.change(() ->
          shop.site
              .registry()
              .write(
                  "buyer-to-" + pod.name(),
                  Manifests.trafficTarget("buyer", pod.name(), List.of())));
    }
  }

  @ParameterizedTest
  @MethodSource("mechanismsAndDrivers")
  void aPodIsEnforcedFromSandboxToSandboxAndReleasedAtItsEnd(
      Mechanism mechanism, CgroupDriver driver) {
    Shop shop = shop(mechanism);
    Running pod = Running.of(shop, "found-" + driver.ordinal(), driver);
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

    Await.until("it is released", () -> pod.entry().path("netnsCookie").asLong() == 0);
    assertThat(pod.entry().path("state").asText()).isEqualTo("pending");
    assertThat(pod.entry().path("problem").asText()).contains("none of its processes runs");
    shop.change(() -> shop.site.registry().remove(pod.pod()));
  }

  @EachMechanism
  void aPodWhoseOnlyContainerRestartsIsNeverOpen(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    Running pod = Running.of(shop, "restarting", CgroupDriver.CGROUPFS);
    Process container = pod.start("app");
    pod.grantToBuyer();
    pod.register();
    pod.awaitEnrolled();
    long cookie = pod.entry().path("netnsCookie").asLong();

    pod.processes().end(container); // its namespace stays mounted, as CRI-O keeps it
    awaitAnotherLook(shop);

    assertThat(pod.entry().path("netnsCookie").asLong()).isEqualTo(cookie);
    pod.assertEnforced();
    pod.start("app2");
    awaitAnotherLook(shop);
    assertThat(pod.entry().path("netnsCookie").asLong()).isEqualTo(cookie);
    assertThat(shop.daemon().log()).doesNotContain("pod_released pod=" + pod.pod().meshName());
  }

  @EachMechanism
  void theSandboxsNamespaceCountsAndNoneBesideOrInside(Mechanism mechanism) {
    Shop shop = shop(mechanism);
    Running pod = Running.of(shop, "nested", CgroupDriver.SYSTEMD);
    SitePod inner = shop.site.addPods("inner").getFirst();
    pod.startIn(shop.site.node(), "conmon"); // the runtime's helper, older than everything
    pod.start("pause");
    awaitNextTick();
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
    Running declared = Running.of(shop, "declared", CgroupDriver.CGROUPFS);
    declared.startIn(shop.site.node(), "app");
    shop.change(() ->
        shop.site
            .registry()
            .write("pod-declared", Manifests.runningPod(declared.pod(), declared.uid(), true)));
    Running undeclared = Running.of(shop, "undeclared", CgroupDriver.CGROUPFS);
    undeclared.startIn(shop.site.node(), "app");
    undeclared.register();

    Await.until(
        "it is told",
        () -> undeclared.entry().path("problem").asText().contains("shares the node's network"));
    assertThat(declared.entry().path("state").asText()).isEqualTo("outside");
    assertThat(shop.daemon().log()).doesNotContain("shop/declared");
    assertThat(Traces.in(shop.site.node())).isEmpty();
    shop.change(() -> shop.site.registry().remove(undeclared.pod()));
  }

  /** A pod that is found tells that the daemon has looked at all processes since. */
  private static void awaitAnotherLook(Shop shop) {
    Running probe = Running.of(shop, "probe-" + shop.freshPort(), CgroupDriver.CGROUPFS);
    probe.start("pause");
    probe.register();
    probe.awaitEnrolled();
    shop.change(() -> shop.site.registry().remove(probe.pod()));
  }

  /** Start times are told in hundredths of a second. */
  private static void awaitNextTick() {
    long begin = System.nanoTime();
    Await.until("the clock ticked", () -> System.nanoTime() - begin > 20_000_000);
  }

  private static Shop shop(Mechanism mechanism) {
    return shops.of(mechanism);
  }
}
