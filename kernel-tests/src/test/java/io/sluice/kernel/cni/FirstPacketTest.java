package io.sluice.kernel.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.kernel.LongRun;
import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.mesh.PodUid;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A program that talks from its first instruction is heard by nobody, however often pods start and
 * the daemon dies meanwhile; {@link ConfigurationLifeTest} hears it without the plugin. Pod starts
 * per mechanism: {@code -Dsluice.cni.starts=N}.
 */
@ExtendWith(CniSites.Shared.class)
@ResourceLock(CniSites.LOCK)
@Tag("kernel")
class FirstPacketTest {
  private static final int STARTS = Integer.getInteger("sluice.cni.starts", LongRun.ON ? 200 : 10);

  /**
   * Every so many starts the daemon is killed, at some moment of the next one; in a short run
   * {@link CrashTest} does it at chosen moments alone.
   */
  private static final int STARTS_PER_KILL = 20;

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(
      value = Mechanism.class,
      names = {"EBPF", "IPTABLES"})
  void nothingIsHeardFromTheFirstInstructionOn(Mechanism mechanism, CniSites sites)
      throws Exception {
    CniSite site = sites.of(mechanism);
    try (Silence silence = Silence.around(site)) {
      List<PodUid> pods = new ArrayList<>();
      for (int i = 0; i < STARTS; i++) {
        pods.add(site.register("pod-" + i));
      }
      DaemonProcess daemon = site.site.daemon();
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
        silence.sing(container.network());
        if (killer != null) {
          killer.join();
          daemon.start();
        }
        site.runtime.delete(container);
        site.site.registry().remove("pod-pod-" + i);
        silence.listen();
      }
      System.out.printf("%s: %d pod starts, %d refused first%n", mechanism, STARTS, refusals);
      silence.assertKept();
    }

    Attack.tried(
            "a pod speaks from its first instruction on, "
                + (LongRun.ON ? "daemon killed now and then, " : "")
                + mechanism)
        .refusedBy("the CNI plugin: ADD waits until the pod is in force; nothing is heard")
        .countedAs("the ADD's error, code 11, for the runtime");
  }

  private static Thread killSoon(DaemonProcess daemon) {
    long end = System.nanoTime() + ThreadLocalRandom.current().nextLong(300_000_000);
    return Thread.ofPlatform()
        .start(() -> {
          for (long left = 1; left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
          }
          daemon.kill();
        });
  }
}
