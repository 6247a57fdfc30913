package io.sluice.node.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.mesh.PodUid;
import io.sluice.node.placement.ProcessFiles.Task;
import io.sluice.node.placement.ProcessScan.Found;
import io.sluice.node.placement.ProcessScan.PodTasks;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessScanTest {
  private static final PodUid UID = new PodUid("0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c");
  private static final String POD = "/kubepods/burstable/pod" + UID;

  @TempDir private Path directory = Path.of("");
  private FakeProc proc = new FakeProc(directory);
  private ProcessFiles files = new ProcessFiles(directory);

  @BeforeEach
  void look() {
    proc = new FakeProc(directory);
    files = new ProcessFiles(directory);
  }

  private ProcessScan.Seen scan() {
    return new ProcessScan(files, new PodCgroups("/"), FakeProc.HOST_INODE).run();
  }

  @Test
  void seesTheOldestProcessOfEachNetworkOfAPod() {
    proc.process(900, POD + "/pause", 100, 41);
    proc.process(31, POD + "/app", 200, 41);
    proc.process(950, POD + "/app", 101, 42); // a namespace of its own inside the container
    proc.process(1, "/init.scope", 1, FakeProc.HOST_INODE);

    assertThat(scan().pods()).containsOnlyKeys(UID);
    assertThat(scan().of(UID).networks())
        .containsExactlyInAnyOrder(
            new Found(Task.first(900), 100, 41), new Found(Task.first(950), 101, 42));
  }

  @Test
  void takesTheLowerProcessIdOfTwoThatStartedInTheSameTick() {
    proc.process(31, POD + "/b", 100, 41);
    proc.process(30, POD + "/a", 100, 41);

    assertThat(scan().of(UID).networks()).containsExactly(new Found(Task.first(30), 100, 41));
  }

  @Test
  void passesOverHelpersOfTheRuntimeThatLiveInTheNodesNamespace() {
    proc.process(50, POD + "/crio-conmon-3f", 90, FakeProc.HOST_INODE);
    proc.process(51, POD + "/crio-3f", 100, 41);

    assertThat(scan().of(UID).networks()).containsExactly(new Found(Task.first(51), 100, 41));
  }

  @Test
  void namesTheNodesNamespaceWhereThePodHasNoOther() {
    proc.process(50, POD + "/app", 90, FakeProc.HOST_INODE);

    PodTasks pod = scan().of(UID);
    assertThat(pod.networks()).isEmpty();
    assertThat(pod.host()).contains(new Found(Task.first(50), 90, FakeProc.HOST_INODE));
    assertThat(pod.isAlive()).isFalse();
  }

  @Test
  void passesOverKernelThreadsInACgroupOfAPod() {
    proc.process(50, POD + "/app", 90, 41);
    proc.process(49, POD + "/app", 80, 44);
    proc.stat(49, "vhost-50", 0x0020_8040, 80);

    assertThat(scan().of(UID).networks()).containsExactly(new Found(Task.first(50), 90, 41));
  }

  @Test
  void passesOverAThousandThatHaveEnded() {
    for (int pid = 100; pid < 1_100; pid++) {
      proc.cgroup(pid, POD + "/app");
      proc.ended(pid, 1, 5);
    }
    assertThat(scan().of(UID).isAlive()).isFalse();
    proc.process(2_000, POD + "/app", 90, 41);

    assertThat(scan().of(UID).networks()).containsExactly(new Found(Task.first(2_000), 90, 41));
  }

  @Test
  void findsTheThreadOfAProcessWhoseFirstOneHasEnded() {
    proc.headless(50, 51, POD + "/app", 90, 41);
    ProcessScan scan = new ProcessScan(files, new PodCgroups("/"), FakeProc.HOST_INODE);
    PodTasks pod = scan.run().of(UID);

    assertThat(pod.isAlive()).isTrue();
    assertThat(pod.networks()).isEmpty();
    assertThat(scan.addThreads(pod)).isTrue();
    assertThat(pod.networks()).containsExactly(new Found(new Task(50, 51), 90, 41));
    assertThat(scan.addThreads(pod)).as("again").isFalse();
  }

  @Test
  void readsTheStartPastAHostileName() {
    proc.process(50, POD + "/app", 1, 41);
    proc.stat(50, "a) S 1 1 1 0 -1 2097152 0 0 (\n 0", 0x0040_0000, 90);

    assertThat(scan().of(UID).networks()).containsExactly(new Found(Task.first(50), 90, 41));
  }

  @Test
  void passesOverWhatVanishedOrIsBroken() throws IOException {
    proc.process(10, POD + "/a", 5, 41);
    Files.delete(directory.resolve("10/stat"));
    proc.process(11, POD + "/b", 6, 41);
    Files.delete(directory.resolve("11/ns/net"));
    proc.process(12, POD + "/c", 7, 41);
    proc.write(12, "stat", "12 (x) S 1");
    proc.process(13, POD + "/d", 8, 41);
    proc.write(13, "stat", "13 (x) S" + " x".repeat(40));
    proc.directory(14);
    proc.process(15, POD + "/e", 9, 41);
    Files.delete(directory.resolve("15/ns/net"));
    Files.createSymbolicLink(directory.resolve("15/ns/net"), Path.of("net:[99x]"));
    proc.process(17, POD + "/f", 300, 41);

    assertThat(scan().of(UID).networks()).containsExactly(new Found(Task.first(17), 300, 41));
  }

  @Test
  void saysThatAProcessCouldNotBeReadThoughItIsThere() throws IOException {
    proc.process(17, POD + "/f", 300, 41);
    assertThat(scan().isWhole()).isTrue();
    Files.createDirectories(directory.resolve("16/cgroup"));

    assertThat(scan().isWhole()).isFalse();
    assertThat(scan().pods()).containsKey(UID);
  }

  @Test
  void looksOnlyAtEntriesThatAreProcesses() throws IOException {
    for (String name : new String[] {"self", "0", "-5", "5x", "99999999999", "1\n2", "sys"}) {
      Files.createDirectories(directory.resolve(name));
      Files.writeString(directory.resolve(name).resolve("cgroup"), "0::" + POD + "/x\n");
    }

    assertThat(scan().pods()).isEmpty();
    assertThat(scan().isWhole()).isTrue();
  }

  @Test
  void readsNoMoreOfAFileThanItsBound() {
    proc.process(10, "x".repeat(20_000) + "\n0::" + POD + "/a\n", 5, 41);

    assertThat(scan().pods()).isEmpty();
  }

  @Test
  void findsAPodAmongTenThousandEntries() {
    for (int pid = 1; pid <= 10_000; pid++) {
      proc.cgroup(pid, "/system.slice/service-" + pid);
    }
    proc.process(10_001, POD + "/app", 90, 41);

    assertThat(scan().of(UID).networks()).containsExactly(new Found(Task.first(10_001), 90, 41));
  }

  @Test
  void endsAtItsBoundAndSaysSo() {
    for (int pid = 1; pid <= 20; pid++) {
      proc.directory(pid);
    }

    int[] seen = {0};
    assertThat(files.forEachProcess(10, pid -> seen[0]++)).isTrue();
    assertThat(seen[0]).isEqualTo(10);
    assertThat(files.forEachProcess(20, pid -> {})).isFalse();
  }

  @Test
  void saysWhatToDoWhereThereIsNoProc() {
    files = new ProcessFiles(directory.resolve("missing"));

    assertThatThrownBy(this::scan)
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("correct --proc");
  }
}
