package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.CgroupDriver;
import io.sluice.lab.site.ChartCapability;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.OneAtATime;
import io.sluice.lab.site.SitePod;
import io.sluice.mesh.PodUid;
import io.sluice.node.NodeCleanup;
import java.io.UncheckedIOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What breaks without the capabilities of the chart that every kernel asks for, and that the daemon
 * names them. SYS_RESOURCE and NET_RAW are for some kernels: {@code OtherKernelTest} shows them.
 */
@ResourceLock(OneAtATime.CONTAINER_ENGINE)
@Order(3)
@Tag("kernel")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CapabilityTest {
  private static final int NOBODY = 65_534;
  private static final ChartCapability FOR_PROCESSES = ChartCapability.SYS_PTRACE;

  @AutoClose private InstalledSite site;
  private PodSpec byRules;
  private PodSpec byPrograms;

  @BeforeAll
  void installController() {
    site = new InstalledSite();
    byRules = installed("iptables");
    byPrograms = installed("ebpf");
    site.startController();
  }

  private PodSpec installed(String mode) {
    site.cluster.install(PrintedChart.objects(List.of("interception.mode=" + mode)));
    return site.nodePod();
  }

  /** NET_ADMIN and SYS_ADMIN are checked; the cgroup below the root needs DAC_OVERRIDE. */
  private static Set<ChartCapability> forTheStart() {
    return EnumSet.of(
        ChartCapability.NET_ADMIN, ChartCapability.SYS_ADMIN, ChartCapability.DAC_OVERRIDE);
  }

  /** The capabilities that are taken away here. */
  static Set<ChartCapability> removed() {
    Set<ChartCapability> removed = forTheStart();
    removed.add(FOR_PROCESSES);
    return removed;
  }

  @ParameterizedTest
  @MethodSource("forTheStart")
  void withoutItTheDaemonDoesNotStart(ChartCapability capability) {
    NodeCleanup.removeAll(site.site.prefix()); // a cgroup that is there need not be made
    RunningPod daemon = site.beginNode(byPrograms.with(one -> one.without(capability.name())));
    try {
      Await.until("the daemon has ended", () -> !daemon.isRunning());
      assertThat(daemon.log()).contains(capability.kernelName());
    } finally {
      daemon.delete();
    }
  }

  /**
   * A pod from before the mesh is known by its processes alone. The daemon that has all of them
   * works by rules, with the programs for these that the image has.
   */
  @Test
  void withoutPtraceAnotherUsersPodIsNotFound() {
    SitePod pod = site.site.addPods("earlier").getFirst();
    PodUid uid = new PodUid(UUID.randomUUID().toString());
    site.site
        .processes()
        .startAs(NOBODY, pod, CgroupDriver.CGROUPFS.containerOf(uid, "c".repeat(64)));
    site.tell(Manifests.runningPod(pod, uid, false));

    RunningPod daemon = site.beginNode(byPrograms.with(one -> one.without(FOR_PROCESSES.name())));
    Await.untilPasses(
        Await.PATIENCE.multipliedBy(2),
        () -> assertThat(pod("earlier")).contains(FOR_PROCESSES.kernelName()));
    daemon.delete();

    site.beginNode(byRules).awaitReady();
    Await.untilPasses(
        Await.PATIENCE,
        () -> assertThat(site.pod("earlier").path("state").asText()).isEqualTo("enrolled"));
    site.node().delete();
  }

  private String pod(String name) {
    try {
      return site.pod(name).toString();
    } catch (UncheckedIOException e) {
      return "no daemon yet";
    }
  }
}
