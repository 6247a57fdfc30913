package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.CgroupDriver;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.mesh.PodUid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A daemon in a container: it has a cgroup namespace of its own, and as on hosts with systemd these
 * are boundaries of delegation, so that nothing inside moves a process to the outside.
 */
@Tag("kernel")
class CgroupNamespaceTest {
  private static boolean delegated;

  @BeforeAll
  static void delegate() throws IOException {
    delegated = Files.readString(Path.of("/proc/mounts")).contains("nsdelegate");
    if (!delegated) {
      remount("nsdelegate");
    }
  }

  @AfterAll
  static void restore() {
    if (!delegated) {
      remount("rw");
    }
  }

  /** With its source, so that mount(8) adds no option that is in force. */
  private static void remount(String options) {
    String root = Cgroups.rootV2().toString();
    Commands.run("mount", "-t", "cgroup2", "-o", "remount," + options, "cgroup2", root);
  }

  /** Stays the same process. */
  private static List<String> containerIn(Path cgroup) {
    return List.of(
        "sh",
        "-c",
        "echo $$ > \"$0/cgroup.procs\" && exec unshare --cgroup \"$@\"",
        cgroup.toString());
  }

  /** Of the proxy's cgroup programs, which most nodes have, know the number, and rules the name. */
  static Stream<Mechanism> mechanisms() {
    return Mechanism.tried().filter(mechanism -> LongRun.ON || mechanism.hooksConnect());
  }

  @ParameterizedTest
  @MethodSource("mechanisms")
  void daemonLeavesItsContainersCgroupAndFindsPodsByTheirs(Mechanism mechanism) throws Exception {
    try (Shop shop = Shop.withoutDaemon(mechanism)) {
      Path outer = Cgroups.rootV2().resolve(shop.site.prefix() + "-container");
      Path container = outer.resolve("daemon");
      Cgroups.create(outer);
      Cgroups.create(container);
      try {
        shop.site.startDaemonBehind(
            containerIn(container),
            mechanism.arguments("--cgroup-root", "/" + shop.site.prefix() + "-kubelet"));
        assertThat(Files.readSymbolicLink(Path.of("/proc/" + shop.daemon().pid(), "ns/cgroup")))
            .isNotEqualTo(Files.readSymbolicLink(Path.of("/proc/self/ns/cgroup")));
        SitePod found = shop.site.addPods("found").getFirst();
        PodUid uid = new PodUid(UUID.randomUUID().toString());
        shop.site.processes().start(found, CgroupDriver.SYSTEMD.containerOf(uid, "pause"));
        shop.change(
            () -> shop.site.registry().write("pod-found", Manifests.runningPod(found, uid, false)));

        Await.until("the pod is enrolled", () -> shop.view().stateOf(found).equals("enrolled"));
        shop.assertEnforced();
        assertThat(shop.daemon().log()).doesNotContain("proxy_told_by_mark");
      } finally {
        shop.site.killDaemons();
        Cgroups.remove(container);
        Cgroups.remove(outer);
      }
    }
  }
}
