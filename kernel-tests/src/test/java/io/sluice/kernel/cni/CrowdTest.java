package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.LongRun;
import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.mesh.PodUid;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A node that starts every pod at once. */
@Isolated("a crowd of pods starts at once, each within a time limit")
@ExtendWith(CniSites.Shared.class)
@ResourceLock(CniSites.LOCK)
@Tag("kernel")
class CrowdTest {
  private static final int PODS = LongRun.ON ? 100 : 20;

  /** Two or three on quiet processors, which this class shares with three others. */
  private static final int MOST_ATTEMPTS = 6;

  private static final long DEADLINE_MILLIS = Await.patience(11).toMillis();

  /** The runtime does not wait for all of them to be taken apart. */
  private static final Duration FAREWELL = Await.patience(60);

  /** How one call of our plugin went: its code, 0 for success, and its wall time. */
  private record Call(int code, long millis) {}

  @ParameterizedTest
  @EnumSource(
      value = Mechanism.class,
      names = {"EBPF", "IPTABLES"})
  void everyPodStartsInForceOrAtItsNextAttempt(Mechanism mechanism, CniSites sites)
      throws Exception {
    CniSite site = sites.of(mechanism);
    try (ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      List<PodUid> uids = new ArrayList<>();
      for (int i = 0; i < PODS; i++) {
        uids.add(site.register("pod-" + i));
      }
      DaemonProcess daemon = site.site.daemon();
      site.runtime.delete(site.add("pod-0", uids.getFirst()));
      List<String> empty = site.settledFootprint();
      int idle = daemon.descriptors();
      List<Container> crowd = new ArrayList<>();
      for (int i = 0; i < PODS; i++) {
        crowd.add(site.addWithoutOurs("pod-" + i, uids.get(i)));
      }

      List<Container> left = crowd;
      try (Silence silence = Silence.around(site)) {
        for (int attempt = 1; !left.isEmpty(); attempt++) {
          assertThat(attempt).as("attempts").isLessThanOrEqualTo(MOST_ATTEMPTS);
          left = attachAll(site, silence, threads, left, mechanism + ", attempt " + attempt);
        }

        silence.assertKept();
      }
      for (Container container : crowd) {
        assertThat(site.enrolledCookie(container.pod())).isEqualTo(container.cookie());
      }
      List<Future<?>> ends = new ArrayList<>();
      crowd.forEach(container -> ends.add(threads.submit(() -> site.runtime.delete(container))));
      for (Future<?> end : ends) {
        end.get();
      }
      Await.untilPasses(
          FAREWELL, () -> assertThat(Footprint.of(site)).containsExactlyElementsOf(empty));
      crowd.forEach(site::awaitGone);
      crowd.forEach(one -> site.site.registry().remove("pod-" + one.pod()));
      Await.until("no descriptor is left", () -> daemon.descriptors() <= idle);
    }
  }

  /** Those that have to try again. */
  private static List<Container> attachAll(
      CniSite site,
      Silence silence,
      ExecutorService threads,
      List<Container> containers,
      String name)
      throws Exception {
    List<Future<Call>> calls = new ArrayList<>();
    for (Container container : containers) {
      calls.add(threads.submit(() -> attach(site, container)));
    }
    List<Container> refused = new ArrayList<>();
    List<Long> times = new ArrayList<>();
    for (int i = 0; i < containers.size(); i++) {
      Call call = calls.get(i).get();
      times.add(call.millis);
      assertThat(call.code).isIn(0, 11);
      assertThat(call.millis).isLessThan(DEADLINE_MILLIS);
      if (call.code == 0) {
        silence.sing(containers.get(i).network());
        silence.listen();
      } else {
        refused.add(containers.get(i));
      }
    }
    times.sort(null);
    System.out.printf(
        "%s: %d pods at once, p50 %d ms, p99 %d ms, %d refused%n",
        name,
        times.size(),
        times.get(times.size() / 2),
        times.get((times.size() * 99 - 1) / 100),
        refused.size());
    return refused;
  }

  private static Call attach(CniSite site, Container container) {
    long begin = System.nanoTime();
    int code = 0;
    try {
      site.runtime.callOurs("ADD", container, "eth0");
    } catch (ContainerRuntime.PluginFailure e) {
      code = e.error().path("code").asInt();
    }
    return new Call(code, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
  }
}
