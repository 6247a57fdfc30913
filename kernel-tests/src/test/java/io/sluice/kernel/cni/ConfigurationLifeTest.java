package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Mechanism;
import io.sluice.kernel.Traces;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.JavaCommand;
import io.sluice.mesh.PodUid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Our place in the chain is kept while others write there, and given up when we are asked to. */
@Tag("kernel")
class ConfigurationLifeTest {
  private static final int REWRITES = 10;
  private static final long LONGEST_START_NANOS = 200_000_000;

  private static final CniSite site = new CniSite(Mechanism.EBPF);
  private static final PodUid uid = site.register("pod");
  private static DaemonProcess daemon;

  @BeforeAll
  static void start() {
    daemon = site.startDaemon();
  }

  @AfterAll
  static void close() {
    site.close();
  }

  /** Others have ended it, and taken its plugin away. */
  @BeforeEach
  void revive() {
    if (!daemon.isAlive()) {
      daemon.start();
    }
    site.awaitChained();
  }

  @Test
  void everyStartPassesThroughUsWhileThePrimaryIsRewritten() throws Exception {
    try (Silence silence = Silence.around(site)) {
      for (int i = 0; i < REWRITES; i++) {
        long delay = ThreadLocalRandom.current().nextLong(LONGEST_START_NANOS);
        Thread writer = Thread.ofPlatform().start(() -> rewriteAfter(delay));
        Container container = site.add("pod", uid);
        assertThat(container.chain().findValuesAsText("type")).contains("sluice-cni");
        silence.sing(container.network());
        writer.join();
        site.runtime.delete(container);
        silence.listen();
      }
      silence.assertKept();
    }
  }

  /** As careless writers do it: emptied first, then written. */
  private static void rewriteAfter(long delayNanos) {
    LockSupport.parkNanos(delayNanos);
    try {
      Files.writeString(site.configurations.resolve("10-bridge.conflist"), "");
      Thread.yield();
      site.writePrimary();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void uninstallingGivesTheNodeBackToItsNetwork() throws Exception {
    Container earlier = site.add("pod", uid);
    daemon.terminate();
    daemon.awaitEnd();
    CniSite.failure(11, () -> site.add("pod", uid)); // a stop is no uninstall

    sluice("uninstall");

    Container later = site.add("pod", uid);
    assertThat(later.chain().findValuesAsText("type")).doesNotContain("sluice-cni");
    assertThat(Traces.in(later.network())).isEmpty();
    assertThat(site.plugins.resolve("sluice-cni")).exists();
    site.runtime.delete(earlier); // through the chain that it was made by
    sluice("uninstall", "--binary");
    assertThat(site.plugins.resolve("sluice-cni")).doesNotExist();
    site.runtime.delete(later);
  }

  @Test
  void afterACrashOneCommandLetsPodsStart() throws Exception {
    daemon.kill();
    CniSite.failure(11, () -> site.add("pod", uid));
    String command =
        sluice("status")
            .lines()
            .filter(line -> line.startsWith("to remove by hand"))
            .map(line -> line.substring("to remove by hand".length()).strip())
            .findFirst()
            .orElseThrow();
    assertThat(command).startsWith("rm -f ");

    Commands.run("sh", "-c", command);

    Container container = site.add("pod", uid);
    assertThat(Traces.in(container.network())).isEmpty();
    site.runtime.delete(container);
  }

  private static String sluice(String... words) {
    List<String> all = new ArrayList<>(List.of("node", "cni"));
    all.addAll(List.of(words));
    all.addAll(
        List.of(
            "--node-name",
            site.site.prefix(),
            "--cni-conf-dir",
            site.configurations.toString(),
            "--cni-bin-dir",
            site.plugins.toString()));
    return JavaCommand.here(all.toArray(String[]::new));
  }
}
