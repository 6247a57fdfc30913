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
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/** A pod, its UID, and the processes that run in its cgroups. */
record PlacedPod(Shop shop, SitePod pod, PodUid uid, CgroupDriver driver) {
  /** Looks are up to five seconds apart where the machine is slow. */
  static final Duration LOOK_PATIENCE = Await.patience(60);

  static PlacedPod of(Shop shop, String name, CgroupDriver driver) {
    PodUid uid = new PodUid(UUID.randomUUID().toString());
    return new PlacedPod(shop, shop.site.addPods(name).getFirst(), uid, driver);
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

  /** A program of the pod's, in its network. */
  Process startProgram(String container, String... words) {
    return processes().startProgram(pod, driver.containerOf(uid, container), words);
  }

  void register() {
    shop.change(() ->
        shop.site.registry().write("pod-" + pod.name(), Manifests.runningPod(pod, uid, false)));
  }

  void awaitEnrolled() {
    long cookie = pod.cookie();
    Await.until(
        pod.name() + " is enrolled with the namespace it has",
        LOOK_PATIENCE,
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
                "buyer-to-" + pod.name(), Manifests.trafficTarget("buyer", pod.name(), List.of())));
  }

  /** A pod that is found tells that the daemon has looked at all processes since. */
  static void awaitAnotherLook(Shop shop) {
    PlacedPod probe = PlacedPod.of(shop, "probe-" + shop.freshPort(), CgroupDriver.CGROUPFS);
    probe.start("pause");
    probe.register();
    probe.awaitEnrolled();
    shop.change(() -> shop.site.registry().remove(probe.pod()));
  }

  /** Start times are told in hundredths of a second. */
  static void awaitNextTick() {
    long begin = System.nanoTime();
    Await.until("the clock ticked", () -> System.nanoTime() - begin > 20_000_000);
  }
}
