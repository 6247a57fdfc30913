package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.CgroupDriver;
import io.sluice.lab.site.ChildProgram;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.PodUid;
import io.sluice.node.NodeSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A daemon starts on what an earlier one left in force, with another registry. */
@Tag("kernel")
class DaemonStartTest {
  /** An address that this machine does not have. */
  private static final String NOWHERE = "192.0.2.1:1";

  private static PodUid freshUid() {
    return new PodUid(UUID.randomUUID().toString());
  }

  private static void register(Shop shop, SitePod pod, PodUid uid) {
    shop.site.registry().write("pod-" + pod.name(), Manifests.runningPod(pod, uid, false));
  }

  private static Process start(Shop shop, SitePod pod, PodUid uid) {
    return shop.site.processes().start(pod, CgroupDriver.SYSTEMD.containerOf(uid, "pause"));
  }

  @EachMechanism
  void aRestartEnrolsAdoptsAndReleasesAndSaysSo(Mechanism mechanism) {
    try (Shop shop = Shop.lent(mechanism)) {
      List<SitePod> added = shop.site.addPods("stays", "joins", "mounted", "inhabited");
      SitePod stays = added.get(0);
      SitePod joins = added.get(1);
      SitePod mounted = added.get(2);
      SitePod inhabited = added.get(3);
      PodUid joinsUid = freshUid();
      start(shop, joins, joinsUid);
      enrol(shop, stays);
      Process first = enrol(shop, mounted);
      Process second = enrol(shop, inhabited);

      Path cgroup = cgroupOf(shop.daemon());
      shop.daemon().kill();
      int logged = shop.daemon().log().length();
      removeCgroup(cgroup);
      // The processes by whose ids the namespaces were found go; a mount and a process remain.
      Process another = shop.site.processes().startOutside(inhabited);
      shop.site.deleteNamespace(inhabited);
      shop.site.processes().end(first);
      shop.site.processes().end(second);
      register(shop, joins, joinsUid);
      List.of(mounted, inhabited, shop.thief).forEach(shop.site.registry()::remove);
      shop.daemon().start();

      assertThat(cgroupOf(shop.daemon())).isEqualTo(cgroup);
      String log = shop.daemon().log().substring(logged);
      assertThat(log).containsOnlyOnce("start_enrolled pods=1");
      assertThat(log).containsOnlyOnce("start_adopted pods=3");
      assertThat(log).doesNotContain("proxy_told_by_mark");
      Await.until(
          "the release is told",
          () -> shop.daemon().log().substring(logged).contains("start_released pods=3"));
      shop.site.nameNamespace(inhabited, another);
      for (SitePod left : List.of(shop.thief, mounted, inhabited)) {
        assertThat(Traces.in(left)).as(left.name()).isEmpty();
      }
      for (Family family : Family.values()) {
        assertDecidedAnew(shop, family, List.of(stays, joins, shop.store));
      }
    }
  }

  /** Rules hold a cgroup, not its name: those of the daemon before know one that is no more. */
  private static void removeCgroup(Path cgroup) {
    Await.until(
        "the daemon's children have ended",
        () -> Files.readString(cgroup.resolve("cgroup.procs")).isEmpty());
    Cgroups.remove(cgroup);
  }

  private static Path cgroupOf(DaemonProcess daemon) {
    try {
      return Files.readAllLines(Path.of("/proc", Long.toString(daemon.pid()), "cgroup")).stream()
          .filter(line -> line.startsWith("0::"))
          .map(line -> Path.of(Cgroups.rootV2() + line.substring("0::".length())))
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** By a process of its own, which is returned. */
  private static Process enrol(Shop shop, SitePod pod) {
    PodUid uid = freshUid();
    Process inside = start(shop, pod, uid);
    shop.change(() -> register(shop, pod, uid));
    Await.until(pod.name() + " is enrolled", () -> shop.view().stateOf(pod).equals("enrolled"));
    assertThat(Traces.in(pod)).isNotEmpty();
    return inside;
  }

  /** The thief is in the mesh no more. */
  private static void assertDecidedAnew(Shop shop, Family family, List<SitePod> enrolled) {
    try (TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort());
        TcpServer store = TcpServer.echo(shop.store, family, Shop.STORE_PORT)) {
      for (SitePod closed : enrolled) {
        Attempt out = Attempt.from(closed, shop.stranger.at(family, outside.port()), "hi");
        assertThat(out.wasTurnedAway()).as("%s %s", closed, out).isTrue();
      }
      assertThat(Attempt.from(shop.thief, shop.stranger.at(family, outside.port()), "hi").answer())
          .isEqualTo("hi");
      assertThat(Attempt.from(shop.buyer, shop.service(family), "hi").answer()).isEqualTo("hi");
      assertThat(outside.accepted()).hasSize(1);
      assertThat(store.accepted()).hasSize(1);
    }
  }

  /** Runs a daemon that ends by itself; what it has said. */
  private static String fail(Site site, Path state, String... arguments) {
    return fail(site, site.prefix(), state, arguments);
  }

  private static String fail(Site site, String name, Path state, String... arguments) {
    List<String> command = new ArrayList<>(JavaCommand.sluice("node", "run", "--node-name", name));
    command.addAll(List.of("--registry", site.registry().directory().toString()));
    command.addAll(List.of("--state", state.toString()));
    command.addAll(List.of(arguments));
    Path log = site.directory().resolve("failed.log");
    try (ChildProgram daemon = new ChildProgram("the daemon", site.node(), log)) {
      daemon.start(command);
      daemon.awaitEnd();
      assertThat(daemon.running().exitValue()).as(daemon.log()).isEqualTo(1);
      return daemon.log();
    }
  }

  /** One without a controller makes the more. */
  @ParameterizedTest
  @CsvSource({
    "--standalone --metrics-address " + NOWHERE + ", cannot serve metrics on",
    "--standalone --metrics-address off --mode iptables --fail-open, 'use --mode ebpf, or leave out --fail-open'"
  })
  void aStartThatFailsLeavesNothingOfWhatItMade(String arguments, String why) {
    try (Site site = new Site()) {
      List<String> before = site.leftovers();

      assertThat(fail(site, site.state(), arguments.split(" "))).contains(why);

      assertThat(site.leftovers()).isEqualTo(before);
      assertThat(site.state()).doesNotExist();
    }
  }

  @Test
  void aStartThatFailsKeepsWhatIsThere() {
    try (Site site = new Site()) {
      DaemonProcess first = site.startDaemon("--standalone");
      assertHasThePodsOfTheFolderAlone(site, first);
      Path other = site.directory().resolve("other");
      assertThat(fail(site, other, "--standalone")).contains("another node daemon holds");
      assertThat(other).doesNotExist();
      assertThat(first.isAlive()).isTrue();
      first.kill();
      Path run = NodeSettings.adminSocket(site.prefix()).resolveSibling("");
      Map<Path, String> before = contents(run, site.state());

      assertThat(fail(site, site.state(), "--metrics-address", NOWHERE))
          .contains("cannot serve metrics on " + NOWHERE, "--metrics-address");

      assertThat(contents(run, site.state())).isEqualTo(before);
    }
  }

  private static void assertHasThePodsOfTheFolderAlone(Site site, DaemonProcess daemon) {
    Path other = site.directory().resolve("other");

    assertThat(fail(site, site.prefix() + "x", other, "--standalone", "--metrics-address", "off"))
        .contains("the daemon of node '" + site.prefix() + "' has the pods of");

    assertThat(other).doesNotExist();
    assertThat(daemon.isAlive()).isTrue();
  }

  /** What each file below holds, and where each link leads. */
  private static Map<Path, String> contents(Path... folders) {
    Map<Path, String> contents = new TreeMap<>();
    for (Path folder : folders) {
      try (Stream<Path> all = Files.walk(folder)) {
        for (Path path : all.toList()) {
          if (Files.isSymbolicLink(path)) {
            contents.put(path, Files.readSymbolicLink(path).toString());
          } else if (Files.isRegularFile(path)) {
            contents.put(path, HexFormat.of().formatHex(Files.readAllBytes(path)));
          } else {
            contents.put(path, "");
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return contents;
  }
}
