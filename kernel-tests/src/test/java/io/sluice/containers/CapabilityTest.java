package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.site.Await;
import io.sluice.kernel.site.CgroupDriver;
import io.sluice.kernel.site.Manifests;
import io.sluice.kernel.site.SitePod;
import io.sluice.mesh.PodUid;
import io.sluice.node.NodeCleanup;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What breaks without each capability of the chart, and that the daemon names it. Left out are
 * SYS_RESOURCE, which is for kernels before 5.11, and NET_RAW, which is for pods with rules of
 * iptables-legacy.
 */
@Tag("kernel")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CapabilityTest {
  private static final int NOBODY = 65_534;

  @AutoClose private InstalledSite site;

  @BeforeAll
  void installController() {
    site = new InstalledSite();
    site.cluster.install(PrintedChart.objects(List.of("interception.mode=ebpf")));
    site.startController();
  }

  /** NET_ADMIN and SYS_ADMIN are checked; the cgroup below the root needs DAC_OVERRIDE. */
  @ParameterizedTest
  @ValueSource(strings = {"NET_ADMIN", "SYS_ADMIN", "DAC_OVERRIDE"})
  void withoutItTheDaemonDoesNotStart(String capability) {
    NodeCleanup.removeAll(site.site.prefix()); // a cgroup that is there need not be made
    RunningPod daemon = site.beginNode(site.nodePod().with(one -> one.without(capability)));
    try {
      Await.until("the daemon has ended", () -> !daemon.isRunning());
      assertThat(daemon.log()).contains("CAP_" + capability);
    } finally {
      daemon.delete();
    }
  }

  /** A pod from before the mesh is known by its processes alone. */
  @Test
  void withoutPtraceAnotherUsersPodIsNotFound() {
    SitePod pod = site.site.addPods("earlier").getFirst();
    PodUid uid = new PodUid(UUID.randomUUID().toString());
    site.site
        .processes()
        .startAs(NOBODY, pod, CgroupDriver.CGROUPFS.containerOf(uid, "c".repeat(64)));
    site.tell(Manifests.runningPod(pod, uid, false));

    RunningPod daemon = site.beginNode(site.nodePod().with(one -> one.without("SYS_PTRACE")));
    Await.untilPasses(
        Await.PATIENCE.multipliedBy(2),
        () -> assertThat(pod("earlier")).contains("CAP_SYS_PTRACE"));
    daemon.delete();

    site.startNode();
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
