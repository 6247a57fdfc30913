package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.CgroupDriver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A pod that is found by its processes, whose network no mount keeps, would have itself released:
 * its processes pass for those of another network.
 */
@Tag("kernel")
@Tag("attack")
@Order(14)
class PodEscapeTest {
  private static final String CONTAINER = "app";

  /**
   * Takes the name of a trick, a folder, and how many. Waits until it is in a pod's cgroup, since
   * what it starts before would not be the pod's.
   */
  private static final String PROGRAM =
      """
      import ctypes, os, platform, sys, threading, time
      trick, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
      libc = ctypes.CDLL(None)
      def until(condition):
          while not condition():
              time.sleep(0.01)
      def leave():
          if libc.unshare(0x10000000 | 0x40000000):  # CLONE_NEWUSER, CLONE_NEWNET
              sys.exit('cannot have a network of its own')
      def stay():
          threading.Event().wait()
      until(lambda: 'kubepods' in open('/proc/self/cgroup').read())
      if trick == 'asked':
          open(folder + '/ready', 'w').close()
          until(lambda: os.path.exists(folder + '/go'))
          leave()
      elif trick == 'leave':
          for _ in range(count):
              if os.fork() == 0:
                  os._exit(0)  # nobody waits for it
          leave()
      elif trick == 'many':
          for _ in range(count):
              if os.fork() == 0:
                  leave()
                  libc.prctl(1, 9)  # PR_SET_PDEATHSIG: it ends with its parent
                  stay()
          leave()
      elif trick == 'headless':
          threading.Thread(target=stay).start()
      open(folder + '/done', 'w').close()
      if trick == 'headless':
          libc.syscall({'x86_64': 60, 'aarch64': 93}[platform.machine()], 0)  # the first thread alone
      stay()
      """;

  /** More than are opened of a pod in one look. */
  private static final int NETWORKS = 130;

  private static final int ENDED = 130;

  @TempDir private Path directory;
  @AutoClose private static ShopsByMechanism shops;

  @BeforeAll
  static void openShops() {
    shops = ShopsByMechanism.lent();
  }

  /** What a pod may try with the rights of any. */
  private enum Escape {
    /** The process by which it was found has another network from now on. */
    THE_OLDEST_MOVES {
      @Override
      Runnable prepare(Pod pod) {
        pod.program("asked", 1);
        pod.told("asked", "ready");
        pod.younger(CONTAINER);
        return () -> pod.go("asked");
      }
    },
    /** The process by which it was found ends, and the next one by age is elsewhere. */
    THE_OLDEST_ENDS_BEFORE_ONE_THAT_MOVED {
      @Override
      Runnable prepare(Pod pod) {
        Process oldest = pod.placed().start("pause");
        pod.older("leave", ENDED);
        pod.younger(CONTAINER);
        return () -> pod.placed().processes().end(oldest);
      }
    },
    /** What is left in its network is a thread, of a process whose first thread has ended. */
    A_THREAD_WITHOUT_ITS_FIRST_STAYS {
      @Override
      Runnable prepare(Pod pod) {
        Process oldest = pod.placed().start("pause");
        pod.older("leave", 0);
        pod.older("headless", 1);
        return () -> pod.placed().processes().end(oldest);
      }
    },
    /** Nobody is left in its network, which sockets and descriptors can still be in. */
    ALL_MOVE {
      @Override
      Runnable prepare(Pod pod) {
        pod.program("asked", 1);
        pod.told("asked", "ready");
        return () -> pod.go("asked");
      }
    },
    /** More networks than anybody would open, all older than the process that stays. */
    MANY_NETWORKS {
      @Override
      Runnable prepare(Pod pod) {
        Process oldest = pod.placed().start("pause");
        pod.older("many", NETWORKS);
        pod.younger(CONTAINER);
        return () -> pod.placed().processes().end(oldest);
      }
    },
    /** Its process is where another pod is, which keeps that network. */
    ANOTHER_PODS_NETWORK {
      @Override
      Runnable prepare(Pod pod) {
        Process oldest = pod.placed().start("pause");
        pod.placed().startIn(pod.placed().shop().store, CONTAINER);
        return () -> pod.placed().processes().end(oldest);
      }
    };

    /** Starts what is in the pod before the daemon finds it; returns the attack. */
    abstract Runnable prepare(Pod pod);
  }

  static Stream<Arguments> escapes() {
    return Mechanism.tried()
        .flatMap(mechanism ->
            Stream.of(Escape.values())
                .filter(escape ->
                    mechanism == Mechanism.EBPF || LongRun.ON || escape.ordinal() % 2 == 0)
                .map(escape -> Arguments.of(mechanism, escape)));
  }

  @ParameterizedTest
  @MethodSource("escapes")
  void aPodStaysInForceWhereItWasFound(Mechanism mechanism, Escape escape) {
    Shop shop = shops.of(mechanism);
    String name = "escape-" + escape.ordinal();
    Pod pod = new Pod(PlacedPod.of(shop, name, CgroupDriver.CGROUPFS), directory);
    Process holder = pod.placed().processes().startOutside(pod.placed().pod());
    Runnable attack = escape.prepare(pod);
    pod.placed().grantToBuyer();
    pod.placed().register();
    pod.placed().awaitEnrolled();
    long cookie = pod.placed().pod().cookie();
    shop.site.deleteNamespace(pod.placed().pod()); // its name: the holder keeps it

    attack.run();
    PlacedPod.awaitAnotherLook(shop);

    assertThat(pod.placed().entry().path("netnsCookie").asLong()).isEqualTo(cookie);
    assertThat(shop.daemon().log()).doesNotContain("pod_released pod=shop/" + name);
    shop.site.nameNamespace(pod.placed().pod(), holder);
    pod.placed().assertEnforced();
    shop.change(() -> shop.site.registry().remove(pod.placed().pod()));
    Attack.tried("a pod has its network let go: " + told(escape) + ", " + mechanism)
        .refusedBy("placement: it stays where it was found")
        .countedAs("node pods: the pod's netnsCookie stays");
  }

  private static String told(Escape escape) {
    return escape.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  /** The pod, and where its programs and the test tell each other how far they are. */
  private record Pod(PlacedPod placed, Path directory) {
    /** Does a trick at once, before anything younger starts. */
    void older(String trick, int count) {
      PlacedPod.awaitNextTick();
      program(trick, count);
      told(trick, "done");
    }

    void younger(String container) {
      PlacedPod.awaitNextTick();
      placed.start(container);
    }

    void program(String trick, int count) {
      try {
        Path folder = Files.createDirectories(directory.resolve(trick));
        placed.startProgram(
            trick, "python3", "-c", PROGRAM, trick, folder.toString(), Integer.toString(count));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    void go(String trick) {
      try {
        Files.createFile(directory.resolve(trick).resolve("go"));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      told(trick, "done");
    }

    void told(String trick, String word) {
      Await.until(
          trick + " is " + word, () -> Files.exists(directory.resolve(trick).resolve(word)));
    }
  }
}
