package io.sluice.node.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.MountTable;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.node.placement.PodNamespaces.FoundNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a made-up process table, whose namespaces are all this process's own. */
@Tag("kernel")
class PodNamespacesTest {
  private static final PodUid UID = new PodUid("0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c");
  private static final PodUid OTHER = new PodUid("1b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c");
  private static final String POD = "/kubepods/pod" + UID + "/app";

  @AutoClose private final MountTable table = new MountTable();

  @TempDir private Path directory = Path.of("");
  private FakeProc proc = new FakeProc(directory);
  private Path mounts = directory;
  private Opening namespaces = new Opening();
  private PodNamespaces places = places();
  private long now;

  @BeforeEach
  void begin() throws IOException {
    proc = new FakeProc(Files.createDirectory(directory.resolve("proc")));
    mounts = Files.createDirectories(directory.resolve("root/run/netns"));
    namespaces = new Opening();
    places = places();
  }

  @AfterEach
  void everyHandleIsClosedByItsOwner() {
    namespaces.opened.forEach(NetnsHandle::close);
  }

  private PodNamespaces places() {
    return new PodNamespaces(
        namespaces,
        new PlacementSettings(proc.root().toAbsolutePath(), "/"),
        SandboxRecords.open(directory.resolve("sandboxes")),
        table,
        FakeProc.HOST_INODE,
        List.of(directory.resolve("root")),
        () -> now);
  }

  @Test
  void opensTheNamespaceOfThePodsProcess() {
    proc.process(50, POD, 90, 41);

    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("50/ns/net"));
  }

  @Test
  void theAnnotationWins() {
    proc.process(50, POD, 90, 41);

    FoundNamespace found = places.open(workload("/proc/self/ns/net", UID));

    assertThat(found.path()).isEqualTo(Path.of("/proc/self/ns/net"));
  }

  @Test
  void isStillWhereItsPathLeadsAndNowhereElse() throws IOException {
    Path path = Files.createSymbolicLink(mounts.resolve("one"), Path.of("/proc/self/ns/net"));
    Workload told = workload(path.toString(), UID);
    FoundNamespace found = places.open(told);

    assertThat(places.isStill(told, path, found.netns())).isTrue();
    assertThat(places.isStill(workload("/proc/self/ns/net", UID), path, found.netns())).isFalse();
    Files.delete(path);
    assertThat(places.isStill(told, path, found.netns())).isFalse();
    Files.createSymbolicLink(path, Path.of("/proc/self/ns/mnt"));
    assertThat(places.isStill(told, path, found.netns())).isFalse();
  }

  @Test
  void looksOnceForAllPodsAndAgainOnlyAfterTheInterval() {
    proc.process(50, POD, 90, 41);
    pathOf(UID);
    assertMissing(OTHER, Errno.ENOENT);
    proc.process(60, "/kubepods/pod" + OTHER + "/app", 91, 42);
    now += ProcessPlaces.SCAN_INTERVAL.toNanos() - 1;
    assertMissing(OTHER, Errno.ENOENT);

    now += 1;

    assertThat(pathOf(OTHER)).isEqualTo(proc.root().resolve("60/ns/net"));
  }

  @Test
  void rejectsAProcessIdThatWasReusedSinceTheLook() {
    proc.process(50, POD, 90, 41);
    pathOf(UID);
    proc.stat(50, "other", 0, 95);
    proc.cgroup(50, "/user.slice");

    assertMissing(UID, Errno.ENOENT);
  }

  @Test
  void rejectsAProcessIdThatIsReusedWhileItsNamespaceIsOpened() {
    proc.process(50, POD, 90, 41);
    namespaces.afterOpening = () -> proc.stat(50, "other", 0, 95);

    assertMissing(UID, Errno.EAGAIN);
    assertThat(namespaces.opened).hasSize(1).allMatch(PodNamespacesTest::isClosed);
  }

  @Test
  void rejectsAProcessThatWasNotInThePodsCgroupWhenItWasOpened() {
    proc.process(50, POD, 90, 41);
    namespaces.afterOpening = () -> proc.cgroup(50, "/user.slice");

    assertMissing(UID, Errno.EAGAIN);
    now += Duration.ofSeconds(2).toNanos();
    assertMissing(UID, Errno.ENOENT);
  }

  @Test
  void findsTheNextProcessAtOnceWhenTheFirstHasEnded() {
    proc.process(50, POD, 90, 41);
    pathOf(UID);
    proc.process(70, POD, 99, 43);
    proc.end(50);

    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("70/ns/net"));
  }

  @Test
  void keepsANamespaceThatIsMountedWhileThePodHasNoProcess() throws IOException {
    long inode = inodeOfOwn();
    proc.process(50, POD, 90, inode);
    pathOf(UID);
    proc.end(50);
    Path mount = Files.createSymbolicLink(mounts.resolve("cni-1"), Path.of("/proc/self/ns/net"));

    assertThat(pathOf(UID)).isEqualTo(mount);
    proc.process(51, POD, 95, inode);
    now += Duration.ofSeconds(2).toNanos();
    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("51/ns/net"));
    proc.end(51);
    Files.delete(mount);
    assertMissing(UID, Errno.ENOENT);
  }

  @Test
  void aPodThatALookMissedIsNotTakenForEnded() throws IOException {
    proc.process(50, POD, 90, 41);
    pathOf(UID);
    proc.cgroup(50, "/hidden"); // as if the process had not been read
    assertMissing(OTHER, Errno.ENOENT);
    now += Duration.ofSeconds(2).toNanos();
    assertMissing(OTHER, Errno.ENOENT);
    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("50/ns/net"));

    proc.end(50);
    Files.createDirectories(proc.root().resolve("60/cgroup")); // cannot be read
    assertMissing(UID, Errno.EAGAIN);
    Files.delete(proc.root().resolve("60/cgroup"));
    now += Duration.ofSeconds(2).toNanos();
    assertMissing(UID, Errno.ENOENT);
  }

  @Test
  void takesNoNetworkThatWasMadeInsideAndSaysSo() {
    proc.process(50, POD, 90, 41);
    namespaces.foreign.add(proc.root().resolve("50/ns/net"));

    assertMissing(UID, Errno.EAGAIN);
    assertThatThrownBy(() -> pathOf(UID)).hasMessageContaining("made for itself");
    int opened = namespaces.opened.size();
    assertMissing(UID, Errno.EAGAIN);
    assertThat(namespaces.opened).as("tried once for each look").hasSize(opened);

    proc.process(60, POD, 95, 42);
    now += ProcessPlaces.SCAN_INTERVAL.toNanos();
    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("60/ns/net"));
  }

  @Test
  void takesOneOfAUserNamespaceThatTheRuntimeKeepsMounted() throws IOException {
    proc.process(50, POD, 90, 41);
    namespaces.foreign.add(proc.root().resolve("50/ns/net"));
    Path _ = Files.createSymbolicLink(mounts.resolve("cni-1"), Path.of("/proc/self/ns/net"));

    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("50/ns/net"));
  }

  @Test
  void leavesTheNodesOwnNetworkForThePodsAsSoonAsThatIsThere() {
    proc.process(50, POD, 90, FakeProc.HOST_INODE);
    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("50/ns/net"));
    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("50/ns/net"));
    proc.process(60, POD, 95, 41);
    now += ProcessPlaces.SCAN_INTERVAL.toNanos();

    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("60/ns/net"));
  }

  @Test
  void aPodThatHasEndedIsNotWhereAHelperOfItsRuntimeIs() {
    proc.process(50, POD, 90, 41);
    proc.process(51, POD, 80, FakeProc.HOST_INODE);
    pathOf(UID);
    proc.end(50);

    assertMissing(UID, Errno.ENOENT);
  }

  @Test
  void staysWhereAThreadIsWhoseFirstHasEnded() {
    long inode = inodeOfOwn();
    proc.process(50, POD, 90, inode);
    pathOf(UID);
    proc.end(50);
    proc.process(60, POD, 70, 42); // older, elsewhere
    proc.headless(70, 71, POD, 95, inode);

    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("70/task/71/ns/net"));
  }

  @Test
  void aPodHasNotEndedWhileAThreadOfItRunsSomewhere() {
    proc.process(50, POD, 90, 41);
    pathOf(UID);
    proc.end(50);
    proc.headless(70, 71, POD, 95, 42);
    namespaces.foreign.add(proc.root().resolve("70/task/71/ns/net"));

    assertMissing(UID, Errno.EAGAIN);

    proc.end(70);
    now += ProcessPlaces.SCAN_INTERVAL.toNanos();
    assertMissing(UID, Errno.ENOENT);
  }

  @Test
  void opensNoMoreNetworksOfOnePodThanItsBound() {
    for (int i = 0; i < 3 * ProcessPlaces.MAX_NETWORKS; i++) {
      proc.process(100 + i, POD, 10 + i, 1_000 + i);
      namespaces.foreign.add(proc.root().resolve(100 + i + "/ns/net"));
    }
    proc.process(50, "/kubepods/pod" + OTHER + "/app", 90, 41);

    assertMissing(UID, Errno.EAGAIN);

    assertThat(namespaces.opened).hasSize(ProcessPlaces.MAX_NETWORKS);
    assertThat(pathOf(OTHER)).isEqualTo(proc.root().resolve("50/ns/net"));
  }

  @Test
  void findsAgainWhatItKnowsAmongAnyNumberOfOlderNetworks() {
    long inode = inodeOfOwn();
    proc.process(50, POD, 90, inode);
    pathOf(UID);
    proc.end(50);
    for (int i = 0; i < 3 * ProcessPlaces.MAX_NETWORKS; i++) {
      proc.process(100 + i, POD, 10 + i, 1_000 + i);
      namespaces.foreign.add(proc.root().resolve(100 + i + "/ns/net"));
    }
    proc.process(60, POD, 9_000, inode);

    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("60/ns/net"));
  }

  @Test
  void aSandboxIsThereWhileAThreadKeepsIt() {
    try (NetnsHandle own = new LinuxNetworkNamespaces().current()) {
      Path nowhere = mounts.resolve("gone");
      proc.headless(70, 71, POD, 95, own.inode());

      assertThat(places.hasGone(sandbox(nowhere, own.cookie(), own.inode()))).isFalse();
      proc.end(70);
      assertThat(places.hasGone(sandbox(nowhere, own.cookie(), own.inode()))).isTrue();
    }
  }

  /** Each look is asked for by the other one, so that none is due when this one is asked about. */
  @Test
  void isFoundAgainHoweverOftenAnotherPodHasTheNodeLook() throws IOException {
    long inode = inodeOfOwn();
    String other = "/kubepods/pod" + OTHER + "/app";
    proc.process(50, POD, 90, inode);
    proc.process(100, other, 90, 42);
    pathOf(UID);
    pathOf(OTHER);
    proc.end(50);
    Path mount = Files.createSymbolicLink(mounts.resolve("cni-1"), Path.of("/proc/self/ns/net"));
    assertThat(pathOf(UID)).isEqualTo(mount);
    Files.delete(mount);
    proc.process(60, POD, 95, 43);
    proc.process(101, other, 91, 42);
    proc.end(100);
    now += Duration.ofMillis(900).toNanos();

    assertThat(pathOf(OTHER)).isEqualTo(proc.root().resolve("101/ns/net"));

    assertThat(pathOf(UID)).isEqualTo(proc.root().resolve("60/ns/net"));
  }

  @Test
  void takesNoMountForAPodThatWasNeverSeen() throws IOException {
    Files.createSymbolicLink(mounts.resolve("cni-1"), Path.of("/proc/self/ns/net"));

    assertMissing(UID, Errno.ENOENT);
  }

  @Test
  void aSandboxHasGoneAlthoughItsNumberIsAnotherNamespacesNow() throws IOException {
    Path mount = Files.createSymbolicLink(mounts.resolve("cni-1"), Path.of("/proc/self/ns/net"));
    try (NetnsHandle own = new LinuxNetworkNamespaces().current()) {
      proc.process(50, POD, 90, own.inode());

      assertThat(places.hasGone(sandbox(mount, own.cookie(), own.inode()))).isFalse();
      assertThat(places.hasGone(sandbox(mount, own.cookie() + 1, own.inode()))).isTrue();
      Files.delete(mount);
      assertThat(places.hasGone(sandbox(mount, own.cookie(), own.inode()))).isFalse();
      assertThat(places.hasGone(sandbox(mount, own.cookie() + 1, own.inode()))).isTrue();
    }
  }

  private static Sandbox sandbox(Path netns, long cookie, long inode) {
    return new Sandbox(
        "c", "eth0", new NamespacedName("shop", "web"), netns, cookie, inode, List.of());
  }

  private Path pathOf(PodUid uid) {
    return places.open(workload(null, uid)).path();
  }

  private void assertMissing(PodUid uid, Errno errno) {
    assertThatThrownBy(() -> places.open(workload(null, uid)))
        .isInstanceOfSatisfying(
            LinuxException.class, e -> assertThat(e.errno()).as(e.getMessage()).isEqualTo(errno))
        .hasMessageContaining(uid.text());
  }

  private static long inodeOfOwn() {
    try (NetnsHandle own = new LinuxNetworkNamespaces().current()) {
      return own.inode();
    }
  }

  private static boolean isClosed(NetnsHandle handle) {
    try {
      return handle.fd() < 0;
    } catch (IllegalStateException e) {
      return true;
    }
  }

  private static Workload workload(@Nullable String netns, PodUid uid) {
    return new Workload(
        new NamespacedName("shop", "web"),
        new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "web"),
        List.of(),
        Map.of(),
        true,
        netns,
        uid,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }

  /** The real thing, and what happens between the opening and the checks after it. */
  private static final class Opening implements NetworkNamespaces {
    private final NetworkNamespaces real = new LinuxNetworkNamespaces();
    private final List<NetnsHandle> opened = new ArrayList<>();
    private final Set<Path> foreign = new HashSet<>();
    private final Set<NetnsHandle> madeInside = new HashSet<>();
    private Runnable afterOpening = () -> {};

    @Override
    public NetnsHandle adopt(int fd, String subject) {
      throw new UnsupportedOperationException();
    }

    @Override
    public NetnsHandle open(Path path) {
      NetnsHandle handle = real.open(path);
      opened.add(handle);
      if (foreign.contains(path)) {
        madeInside.add(handle);
      }
      afterOpening.run();
      return handle;
    }

    @Override
    public boolean isMadeByNode(NetnsHandle netns) {
      return !madeInside.contains(netns);
    }

    @Override
    public boolean leadsTo(Path path, NetnsHandle netns) {
      return real.leadsTo(path, netns);
    }

    @Override
    public boolean isMountedAt(Path path, NetnsHandle netns) {
      return real.isMountedAt(path, netns);
    }

    @Override
    public NetnsHandle current() {
      return real.current();
    }

    @Override
    public <T, E extends Exception> T callIn(NetnsHandle ns, Body<T, E> body) throws E {
      return real.callIn(ns, body);
    }
  }
}
