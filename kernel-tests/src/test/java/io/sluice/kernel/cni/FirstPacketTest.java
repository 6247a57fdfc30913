package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Mechanism;
import io.sluice.kernel.site.Await;
import io.sluice.kernel.site.Capture;
import io.sluice.kernel.site.DaemonProcess;
import io.sluice.kernel.site.Datagrams;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.PodUid;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A program that talks from its first instruction is heard by nobody, however often pods start and
 * the daemon dies meanwhile; and would be heard without the plugin. Pod starts per mechanism:
 * {@code -Dsluice.cni.starts=N}.
 */
@Tag("kernel")
class FirstPacketTest {
  private static final int STARTS = Integer.getInteger("sluice.cni.starts", 200);

  /** Every so many starts the daemon is killed, at some moment of the next one. */
  private static final int STARTS_PER_KILL = 20;

  private static final String WORD = "canary-e61b0c44";
  private static final String MARKER = "marker-77ab1290";
  private static final int PORT = 7_777;

  @ParameterizedTest
  @EnumSource(
      value = Mechanism.class,
      names = {"EBPF", "IPTABLES"})
  void nothingIsHeardFromTheFirstInstructionOn(Mechanism mechanism) throws Exception {
    try (CniSite site = new CniSite(mechanism);
        Capture capture = Capture.on(site.site.node())) {
      Canary canary = Canary.compile(site.site.directory(), site.stranger, PORT);
      List<PodUid> pods = new ArrayList<>();
      for (int i = 0; i < STARTS; i++) {
        pods.add(site.register("pod-" + i));
      }
      DaemonProcess daemon = site.startDaemon();
      int refusals = 0;
      for (int i = 0; i < STARTS; i++) {
        Thread killer = null;
        if (i % STARTS_PER_KILL == STARTS_PER_KILL / 2) {
          killer = killSoon(daemon);
        }
        Container container = null;
        while (container == null) {
          try {
            container = site.add("pod-" + i, pods.get(i));
          } catch (ContainerRuntime.PluginFailure e) {
            assertThat(e.error().path("code").asInt()).as(e.getMessage()).isEqualTo(11);
            refusals++;
            if (killer != null) {
              killer.join();
              killer = null;
              daemon.start();
            }
          }
        }
        canary.sing(container.network(), WORD + "-" + i);
        if (killer != null) {
          killer.join();
          daemon.start();
        }
        site.runtime.delete(container);
        assertThat(capture.dropped()).isZero(); // and the frames so far are read
      }
      System.out.printf("%s: %d pod starts, %d refused first%n", mechanism, STARTS, refusals);
      assertNotHeard(site, capture);
    }
  }

  @Test
  void withoutThePluginTheCanaryIsHeard() throws Exception {
    try (CniSite site = new CniSite(Mechanism.EBPF);
        Capture capture = Capture.on(site.site.node())) {
      Canary canary = Canary.compile(site.site.directory(), site.stranger, PORT);
      PodUid pod = site.register("pod-0");
      DaemonProcess daemon = site.startDaemon();
      daemon.kill();
      Files.delete(site.configurations.resolve("00-00-sluice.conflist"));

      Container container = site.add("pod-0", pod);
      canary.sing(container.network(), WORD);

      Await.until("the canary is heard", () -> capture.hasSeen(WORD));
      site.runtime.delete(container);
    }
  }

  private static Thread killSoon(DaemonProcess daemon) {
    long delayNanos = ThreadLocalRandom.current().nextLong(300_000_000);
    long begin = System.nanoTime();
    return Thread.ofPlatform()
        .start(() -> {
          while (System.nanoTime() - begin < delayNanos) {
            Thread.onSpinWait();
          }
          daemon.kill();
        });
  }

  private static void assertNotHeard(CniSite site, Capture capture) {
    Datagrams.send(site.stranger, Family.IPV4, site.site.node().at(Family.IPV4, PORT), MARKER);
    Await.until("the marker is heard", () -> capture.hasSeen(MARKER));
    assertThat(capture.hasSeen(WORD)).as("a canary is on the wire").isFalse();
    assertThat(capture.dropped()).as("frames the capture missed").isZero();
  }
}
