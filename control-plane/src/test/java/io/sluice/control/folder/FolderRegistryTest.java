package io.sluice.control.folder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.manifest.Problem;
import io.sluice.control.registry.RegistryStatus;
import io.sluice.control.registry.RegistryStatus.OriginStatus;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated("looks for its thread among all of the JVM")
class FolderRegistryTest {
  private static final Duration POLL = Duration.ofMillis(200);

  @TempDir Path temporary;

  private final Deliveries<MeshSnapshot> snapshots = new Deliveries<>();
  private final Deliveries<RegistryStatus> statuses = new Deliveries<>();
  private Path folder;
  @AutoClose private FolderRegistry registry;

  @BeforeEach
  void openRegistry() throws IOException {
    folder = Files.createDirectory(temporary.resolve("manifests"));
    registry =
        new FolderRegistry(
            folder, CompilerSettings.USUAL, statuses::add, POLL, InstantSource.system());
  }

  @Test
  void deliversTheFirstSnapshotBeforeStartReturns() throws Exception {
    put("pod.yaml", pod("web", "10.0.0.1"));

    registry.start(snapshots::add);

    assertThat(snapshots.isEmpty()).isFalse();
    MeshSnapshot first = snapshots.next();
    assertThat(first.revision()).isEqualTo(1);
    assertThat(Deliveries.hasWorkload(first, "shop/web")).isTrue();
    assertThat(registry.status().problems()).isEmpty();
    assertThat(registry.status().objects()).isEmpty();
    assertThat(registry.status().revision()).isEqualTo(1);
  }

  @Test
  void isIncompleteAlreadyWhenTheSnapshotWithoutABrokenFileIsHandedOver() throws Exception {
    put("pod.yaml", "kind: Pod\n  bad: [");
    AtomicBoolean complete = new AtomicBoolean(true);

    registry.start(snapshot -> complete.set(snapshot.isComplete()));

    assertThat(complete).isFalse();
  }

  @Test
  void startsClosedWhenTheFolderIsEmpty() throws Exception {
    registry.start(snapshots::add);

    MeshSnapshot first = snapshots.next();
    assertThat(first.settings()).isEqualTo(MeshSettings.CLOSED);
    assertThat(first.revision()).isEqualTo(1);
  }

  @Test
  void bringsARenamedFileIntoServiceWithin300Milliseconds() throws Exception {
    registry.close();
    registry = new FolderRegistry(folder, statuses::add); // with its real poll interval
    registry.start(snapshots::add);
    snapshots.next();
    long best = Long.MAX_VALUE;

    // The best of a few, since other work on the machine must not decide.
    for (int i = 0; i < 5 && best >= 300; i++) {
      String name = "web" + i;
      Path written =
          Files.writeString(temporary.resolve("written"), pod(name, "10.0.0." + (i + 1)));
      long start = System.nanoTime();
      Files.move(
          written,
          folder.resolve("pod.yaml"),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
      snapshots.next(snapshot -> Deliveries.hasWorkload(snapshot, "shop/" + name));
      best = Math.min(best, Duration.ofNanos(System.nanoTime() - start).toMillis());
    }

    assertThat(best).isLessThan(300);
  }

  @Test
  void keepsTheLastGoodObjectsOfAFileThatBreaks() throws Exception {
    put("pod.yaml", pod("web", "10.0.0.1"));
    put("other.yaml", pod("db", "10.0.0.2"));
    registry.start(snapshots::add);
    MeshSnapshot first = snapshots.next();

    put("pod.yaml", pod("web", "10.0.0.300"));
    RegistryStatus broken = statuses.next(status -> !status.problems().isEmpty());

    assertThat(broken.problems())
        .containsExactly(
            new Problem(
                "pod.yaml",
                9,
                "status.podIPs[0].ip",
                "'10.0.0.300' is not an IP address",
                "write a unicast IPv4 or IPv6 address without zone or prefix length"));
    assertThat(broken.origins())
        .filteredOn(file -> file.origin().equals("pod.yaml"))
        .allMatch(origin -> !origin.isOk() && origin.objects() > 0);
    assertOnlyIncompleteSince(first);

    put("other.yaml", pod("db2", "10.0.0.3"));
    MeshSnapshot next = snapshots.next();
    assertThat(next.revision()).isEqualTo(2);
    assertThat(Deliveries.hasWorkload(next, "shop/web")).isTrue();
    assertThat(Deliveries.hasWorkload(next, "shop/db2")).isTrue();

    put("pod.yaml", pod("web", "10.0.0.4"));
    statuses.next(status -> status.problems().isEmpty());
    assertThat(snapshots.next().revision()).isEqualTo(3);
  }

  private void assertOnlyIncompleteSince(MeshSnapshot first) throws InterruptedException {
    MeshSnapshot kept = snapshots.next();
    assertThat(kept.isComplete()).isFalse();
    assertThat(kept.revision()).isEqualTo(first.revision());
    assertThat(kept.since(first).isEmpty()).isTrue();
    assertThat(snapshots.isEmpty()).isTrue();
  }

  @Test
  void keepsTheLastGoodObjectsOfAFileThatIsEmptied() throws Exception {
    put("pod.yaml", pod("web", "10.0.0.1"));
    registry.start(snapshots::add);
    MeshSnapshot first = snapshots.next();

    put("pod.yaml", "");
    RegistryStatus broken = statuses.next(status -> !status.problems().isEmpty());

    assertThat(broken.problems().getFirst().reason()).isEqualTo("the file holds no object");
    assertOnlyIncompleteSince(first);
  }

  @Test
  void deliversNothingWhenTheMeaningStaysTheSame() throws Exception {
    put("pod.yaml", pod("web", "10.0.0.1"));
    registry.start(snapshots::add);
    snapshots.next();

    put("pod.yaml", "# a comment\n" + pod("web", "10.0.0.1"));
    put("zz.yaml", pod("web", "10.0.0.9"));
    RegistryStatus duplicate = statuses.next(status -> !status.objects().isEmpty());

    assertThat(snapshots.isEmpty()).isTrue();
    assertThat(duplicate.revision()).isEqualTo(1);
    assertThat(duplicate.objects().getFirst().file()).isEqualTo("zz.yaml");
    assertThat(duplicate.objects().getFirst().reason())
        .isEqualTo("the same object is already in pod.yaml:2");
  }

  @Test
  void noticesARewriteInPlaceOfTheSameLength() throws Exception {
    put("pod.yaml", pod("web", "10.0.0.1"));
    registry.start(snapshots::add);
    snapshots.next();

    Files.writeString(folder.resolve("pod.yaml"), pod("web", "10.0.0.2"));

    assertThat(snapshots.next().workloads())
        .allMatch(workload -> workload.addresses().getFirst().getHostAddress().equals("10.0.0.2"));
  }

  @Test
  void ignoresHiddenFilesBackupsAndOtherNames() throws Exception {
    put(".pod.yaml", "broken: [");
    put("pod.yaml~", "broken: [");
    put("README.md", "broken: [");
    Files.createDirectory(folder.resolve("more"));
    put("pod.json", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\"}}");

    registry.start(snapshots::add);

    assertThat(registry.status().origins())
        .containsExactly(new OriginStatus("pod.json", 1, List.of()));
    assertThat(Deliveries.hasWorkload(snapshots.next(), "default/web")).isTrue();
  }

  @Test
  void followsSymbolicLinksToRegularFilesOnly() throws Exception {
    Path real = Files.writeString(temporary.resolve("real"), pod("web", "10.0.0.1"));
    Files.createSymbolicLink(folder.resolve("link.yaml"), real);
    Files.createSymbolicLink(folder.resolve("loop.yaml"), folder.resolve("loop.yaml"));
    Files.createSymbolicLink(folder.resolve("dangling.yaml"), temporary.resolve("absent"));
    Files.createSymbolicLink(folder.resolve("device.yaml"), Path.of("/dev/zero"));
    Files.createSymbolicLink(folder.resolve("folder.yaml"), temporary);

    registry.start(snapshots::add);

    assertThat(Deliveries.hasWorkload(snapshots.next(), "shop/web")).isTrue();
    assertThat(registry.status().problems())
        .extracting(Problem::file)
        .containsExactly(
            "MeshConfig", // may be in any of them
            "dangling.yaml",
            "device.yaml",
            "folder.yaml",
            "loop.yaml");
  }

  @Test
  void keepsEverythingWhileTheFolderIsAway() throws Exception {
    put("pod.yaml", pod("web", "10.0.0.1"));
    registry.start(snapshots::add);
    MeshSnapshot first = snapshots.next();

    Files.move(folder, temporary.resolve("away"));
    RegistryStatus away = statuses.next(status -> !status.sourceProblems().isEmpty());
    assertThat(away.sourceProblems().getFirst().reason()).isEqualTo("the folder does not exist");
    assertOnlyIncompleteSince(first);

    Files.createDirectory(folder);
    put("pod.yaml", pod("web", "10.0.0.2"));
    statuses.next(status -> status.problems().isEmpty());
    put("more.yaml", pod("db", "10.0.0.3"));
    snapshots.next(snapshot -> Deliveries.hasWorkload(snapshot, "shop/db"));
  }

  @Test
  void startsClosedWhenTheFolderDoesNotExistYet() throws Exception {
    Files.delete(folder);

    registry.start(snapshots::add);
    assertThat(snapshots.next().workloads()).isEmpty();
    assertThat(registry.status().problems()).isNotEmpty();

    Files.createDirectory(folder);
    put("pod.yaml", pod("web", "10.0.0.1"));
    snapshots.next(snapshot -> Deliveries.hasWorkload(snapshot, "shop/web"));
  }

  @Test
  void deliversNothingAfterClose() throws Exception {
    registry.start(snapshots::add);
    snapshots.next();

    registry.close();
    put("pod.yaml", pod("web", "10.0.0.1"));

    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().equals("sluice-folder-registry"));
    assertThat(snapshots.isEmpty()).isTrue();
    assertThatThrownBy(() -> registry.start(snapshots::add))
        .isInstanceOf(IllegalStateException.class);
  }

  /** Writes like a careful editor: under another name, then renamed. */
  private void put(String name, String content) throws IOException {
    Path written = Files.writeString(temporary.resolve("written"), content);
    Files.move(
        written,
        folder.resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  private static String pod(String name, String address) {
    return """
    apiVersion: v1
    kind: Pod
    metadata:
      name: %s
      namespace: shop
      labels: {sluice.io/mesh: enabled}
    status:
      podIPs:
      - ip: %s
    """
        .formatted(name, address);
  }
}
