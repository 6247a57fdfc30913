package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.Manifests;
import io.sluice.mesh.PodUid;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The disk that holds the membership file is full when it has to change. */
@Tag("kernel")
class FullDiskTest {
  @Test
  void nothingStartsThatMayNotAndTheDaemonGoesOn() throws Exception {
    try (CniSite site = new CniSite(Mechanism.EBPF, "--access-log", "off")) {
      Path state = Files.createDirectories(site.site.directory().resolve("state"));
      Commands.run("mount", "-t", "tmpfs", "-o", "size=64k", "sluice-test", state.toString());
      try {
        run(site, state);
      } finally {
        site.site.daemon().kill();
        Commands.run("umount", state.toString());
      }
    }
  }

  private static void run(CniSite site, Path state) throws Exception {
    site.site.registry().write("plain", RebootTest.outside("plain"));
    PodUid pod = site.register("pod");
    DaemonProcess daemon = site.startDaemon();
    Await.until(
        "the file names the namespace",
        () -> Files.readString(site.membershipFile()).contains("outside plain"));
    fill(state.resolve("ballast"));

    // A new namespace outside the mesh: the old file lets nothing start that may not.
    site.site.registry().write("more", RebootTest.outside("more"));
    awaitTold(daemon, "it stays as it is");
    site.runtime.delete(site.add("pod", pod));
    assertThat(site.membershipFile()).content().contains("outside plain").doesNotContain("more");

    // One that joins: the old file would let its pods start.
    site.site
        .registry()
        .write("plain", Manifests.namespace().replace(Manifests.NAMESPACE, "plain"));
    awaitTold(daemon, "there is no such file now");
    site.runtime.delete(site.add("pod", pod));
    daemon.kill();
    CniSite.failure(11, () -> site.runtime.add("plain", "some", ""));
    CniSite.failure(11, () -> site.runtime.add("more", "some", ""));
    CniSite.failure(11, () -> site.add("pod", pod));

    Files.delete(state.resolve("ballast"));
    daemon.start();
    daemon.kill();
    CniSite.failure(11, () -> site.runtime.add("plain", "some", ""));
    site.runtime.delete(site.runtime.add("more", "some", ""));
  }

  private static void awaitTold(DaemonProcess daemon, String aftermath) {
    Await.until(
        "the daemon tells: " + aftermath,
        () ->
            daemon
                .log()
                .lines()
                .anyMatch(l -> l.contains("cni_membership_not_written") && l.contains(aftermath)));
  }

  private static void fill(Path ballast) {
    try (OutputStream out = Files.newOutputStream(ballast)) {
      while (true) {
        out.write(new byte[1_024]);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
  }
}
