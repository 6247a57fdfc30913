package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Mechanism;
import io.sluice.kernel.Traces;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.JavaCommand;
import io.sluice.mesh.PodUid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;

/** Our place in the chain is kept while others write there, and given up when we are asked to. */
@ExtendWith(CniSites.Shared.class)
@ResourceLock(CniSites.LOCK)
@Tag("kernel")
class ConfigurationLifeTest {
  private static final int REWRITES = 10;
  private static final long LONGEST_START_NANOS = 200_000_000;

  private final CniSite site;
  private final PodUid uid;

  ConfigurationLifeTest(CniSites sites) {
    site = sites.of(Mechanism.EBPF);
    uid = site.register("pod");
  }

  @AfterEach
  void forgetPod() {
    site.site.registry().remove("pod-pod");
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
  private void rewriteAfter(long delayNanos) {
    LockSupport.parkNanos(delayNanos);
    try {
      Files.writeString(site.configurations.resolve("10-bridge.conflist"), "");
      Thread.yield();
      site.writePrimary();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The daemon has ended, and the runtime goes on. */
  @Test
  void uninstallingOrOneCommandGivesTheNodeBackToItsNetwork() throws Exception {
    Path ours = site.configurations.resolve("00-00-sluice.conflist");
    String chain = Files.readString(ours);
    Container earlier = site.add("pod", uid);
    site.site.daemon().terminate();
    site.site.daemon().awaitEnd();
    CniSite.failure(11, () -> site.add("pod", uid)); // a stop is no uninstall

    sluice("uninstall");

    assertStartsWithoutUs();
    assertThat(site.plugins.resolve("sluice-cni")).exists();
    site.runtime.delete(earlier); // through the chain that it was made by

    Files.writeString(ours, chain);
    CniSite.failure(11, () -> site.add("pod", uid));
    Commands.run("sh", "-c", commandToRemoveByHand());

    assertStartsWithoutUs();
    sluice("uninstall", "--binary");
    assertThat(site.plugins.resolve("sluice-cni")).doesNotExist();
  }

  @Test
  void theNextDaemonTakesOutOfTheChainWhatItIsNotToServe() throws Exception {
    site.succeedDaemon("--remove-cni");
    try {
      assertStartsWithoutUs();
    } finally {
      site.succeedDaemon("--cni");
      site.awaitChained();
    }
  }

  private void assertStartsWithoutUs() throws Exception {
    try (Silence silence = Silence.around(site)) {
      Container container = site.add("pod", uid);
      assertThat(container.chain().findValuesAsText("type")).doesNotContain("sluice-cni");
      assertThat(Traces.in(container.network())).isEmpty();
      silence.sing(container.network());
      silence.awaitHeard();
      site.runtime.delete(container);
    }
  }

  private String commandToRemoveByHand() {
    String command =
        sluice("status")
            .lines()
            .filter(line -> line.startsWith("to remove by hand"))
            .map(line -> line.substring("to remove by hand".length()).strip())
            .findFirst()
            .orElseThrow();
    assertThat(command).startsWith("rm -f ");
    return command;
  }

  private String sluice(String... words) {
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
