package io.sluice.node.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.await.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.Samples;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SnapshotStoreTest {
  private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");
  private static final StoreTiming AT_ONCE =
      new StoreTiming(
          Duration.ZERO, Duration.ofMillis(5), Duration.ofMinutes(15), Duration.ofSeconds(20));

  @TempDir private Path scratch;
  private final FaultLog faults = new FaultLog();
  private Instant now = START;

  private Path directory() {
    return scratch.resolve("state").resolve("snapshot");
  }

  private SnapshotStore open() {
    return open(AT_ONCE);
  }

  private SnapshotStore open(StoreTiming timing) {
    return SnapshotStore.open(directory(), faults, timing);
  }

  private void save(MeshSnapshot... snapshots) {
    for (MeshSnapshot snapshot : snapshots) {
      try (SnapshotStore store = open()) {
        store.load();
        store.save(snapshot.withComplete(true), now, MeshMark.UNKNOWN);
      }
    }
  }

  private Stored loaded() {
    try (SnapshotStore store = open()) {
      return store.load().orElseThrow();
    }
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory())) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void hasNothingAtFirstAndComplainsOfNothing() {
    try (SnapshotStore store = open()) {
      assertThat(store.load()).isEmpty();
      assertThat(store.status().problem()).isEmpty();
      assertThat(store.status().savedAt()).isEmpty();
    }
    assertThat(directory()).doesNotExist();
  }

  @Test
  void givesBackWhatWasSaved() {
    MeshSnapshot snapshot = Samples.snapshot(5, Samples.CART, Samples.CATALOGUE);
    save(snapshot);

    Stored stored = loaded();

    assertThat(stored.snapshot().hasSameContentAs(snapshot)).isTrue();
    assertThat(stored.snapshot().revision()).isEqualTo(5);
    assertThat(stored.snapshot().isComplete()).isTrue();
    assertThat(stored.savedAt()).isEqualTo(START);
  }

  static Stream<Arguments> meshes() {
    MeshMark saved = new MeshMark("first", "site.example", Set.of("aa", "bb"));
    return Stream.of(
        Arguments.of(saved, saved, true),
        Arguments.of(saved, MeshMark.UNKNOWN, true),
        Arguments.of(MeshMark.UNKNOWN, saved, true),
        // The id tells a mesh that was installed anew with the roots of the one before.
        Arguments.of(saved, new MeshMark("second", "site.example", Set.of("aa", "bb")), false),
        // The root was changed while the node was off.
        Arguments.of(saved, new MeshMark("first", "site.example", Set.of("cc")), true),
        // Without an id on both sides the roots tell: in a rotation one of them is shared.
        Arguments.of(saved, new MeshMark("", "site.example", Set.of("bb", "cc")), true),
        Arguments.of(saved, new MeshMark("", "", Set.of("bb")), true),
        Arguments.of(saved, new MeshMark("", "site.example", Set.of("cc")), false),
        Arguments.of(saved, new MeshMark("", "", Set.of("cc")), false),
        Arguments.of(saved, new MeshMark("", "other.example", Set.of("aa")), false));
  }

  @ParameterizedTest
  @MethodSource("meshes")
  void aSnapshotOfAnotherMeshIsNeverUsed(MeshMark saved, MeshMark present, boolean isUsed) {
    try (SnapshotStore store = open()) {
      store.save(Samples.snapshot(5, Samples.CART).withComplete(true), now, saved);
    }

    try (SnapshotStore store = open()) {
      assertThat(store.load(present).isPresent()).isEqualTo(isUsed);
      assertThat(faults.faults()).isEqualTo(isUsed ? List.of() : List.of(StoreFault.OTHER_MESH));
      if (!isUsed) {
        assertThat(store.status().problem())
            .contains("another mesh", saved.toString(), present.toString());
      }
      store.save(Samples.snapshot(1).withComplete(true), now, present);
    }
    assertThat(loaded(present).orElseThrow().mesh()).isEqualTo(present);
  }

  private Optional<Stored> loaded(MeshMark mesh) {
    try (SnapshotStore store = open()) {
      return store.load(mesh);
    }
  }

  @Test
  void keepsThePreviousOneAndNothingElse() throws Exception {
    save(
        Samples.snapshot(1),
        Samples.snapshot(2, Samples.CART),
        Samples.snapshot(3, Samples.CATALOGUE));

    assertThat(names()).containsExactly("a.snapshot", "b.snapshot");
    assertThat(loaded().snapshot().revision()).isEqualTo(3);
    Files.writeString(directory().resolve("a.snapshot"), "worn out");
    assertThat(loaded().snapshot().revision()).isEqualTo(2);
    assertThat(faults.faults()).containsExactly(StoreFault.DAMAGED);
  }

  @Test
  void writesOverTheSlotThatCannotBeUsed() throws Exception {
    save(Samples.snapshot(1), Samples.snapshot(2, Samples.CART));
    Files.writeString(directory().resolve("b.snapshot"), "worn out");

    save(Samples.snapshot(3, Samples.CATALOGUE));

    assertThat(loaded().snapshot().revision()).isEqualTo(3);
    Files.delete(directory().resolve("b.snapshot"));
    assertThat(loaded().snapshot().revision()).isEqualTo(1);
  }

  @Test
  void ordersByWhatWasSavedLastAndNotByTheClock() {
    save(Samples.snapshot(1), Samples.snapshot(2, Samples.CART));
    now = START.minus(Duration.ofDays(20_000)); // a board without a battery
    save(Samples.snapshot(1, Samples.CATALOGUE));

    Stored stored = loaded();

    assertThat(stored.snapshot().workload(Samples.CATALOGUE)).isPresent();
    assertThat(stored.savedAt()).isEqualTo(now);
  }

  @Test
  void ofSeveralThatWaitWritesTheLatest() {
    try (SnapshotStore store =
        open(
            new StoreTiming(
                Duration.ofHours(1),
                Duration.ofHours(1),
                Duration.ofHours(1),
                Duration.ofSeconds(20)))) {
      store.load();
      store.save(Samples.snapshot(1).withComplete(true), now, MeshMark.UNKNOWN);
      Await.until(() -> assertThat(store.status().savedAt()).isPresent());
      for (int revision = 2; revision <= 50; revision++) {
        store.save(
            Samples.snapshot(revision, Samples.CART).withComplete(false), now, MeshMark.UNKNOWN);
      }
    }

    assertThat(loaded().snapshot().revision()).isEqualTo(50);
    assertThat(loaded().snapshot().isComplete()).isFalse();
    assertThat(sequence()).isEqualTo(2);
  }

  private long sequence() {
    SlotFiles files = new SlotFiles(directory());
    files.read(envelope -> envelope);
    return files.nextSequence() - 1;
  }

  @Test
  void doesNotWriteTheSameAgainBeforeItsTimeIsWorthIt() {
    MeshSnapshot snapshot = Samples.snapshot(5, Samples.CART);
    save(snapshot, snapshot.withRevision(6));
    now = START.plus(Duration.ofMinutes(14));
    save(snapshot);
    assertThat(sequence()).isEqualTo(1);

    now = START.plus(Duration.ofMinutes(15));
    save(snapshot);

    assertThat(sequence()).isEqualTo(2);
    assertThat(loaded().savedAt()).isEqualTo(now);
  }

  @Test
  void tellsOfADiskThatTakesNothingAndTriesAgain() throws Exception {
    save(Samples.snapshot(1), Samples.snapshot(2, Samples.CART));
    // As with a full disk, the file that is to become the snapshot cannot be made.
    Path inTheWay = Files.createDirectories(directory().resolve(".a.snapshot.tmp/full"));
    try (SnapshotStore store = open()) {
      store.load();
      store.save(Samples.snapshot(3, Samples.CATALOGUE).withComplete(true), now, MeshMark.UNKNOWN);
      Await.until(() ->
          assertThat(store.status().faults().getOrDefault(StoreFault.NOT_WRITTEN, 0L))
              .isGreaterThan(2));
      assertThat(store.status().problem()).contains(".a.snapshot.tmp").contains("free space");
      assertThat(faults.faults()).containsExactly(StoreFault.NOT_WRITTEN); // told once
      assertThat(loaded().snapshot().revision()).isEqualTo(2);

      Files.delete(inTheWay);

      Await.until(() -> assertThat(store.status().problem()).isEmpty());
    }
    assertThat(loaded().snapshot().revision()).isEqualTo(3);
  }

  @Test
  void usesNoFileThatOthersMayWrite() throws Exception {
    save(Samples.snapshot(1), Samples.snapshot(2, Samples.CART));
    Files.setPosixFilePermissions(
        directory().resolve("b.snapshot"), PosixFilePermissions.fromString("rw-rw----"));

    assertThat(loaded().snapshot().revision()).isEqualTo(1);
    assertThat(faults.faults()).containsExactly(StoreFault.OPEN_TO_OTHERS);
  }

  @Test
  void usesNoFileOfAnotherUser() throws Exception {
    assumeThat(Files.getAttribute(Path.of("/proc/self"), "unix:uid")).isEqualTo(0);
    save(Samples.snapshot(1), Samples.snapshot(2, Samples.CART));
    Files.setAttribute(directory().resolve("b.snapshot"), "unix:uid", 65_534);

    assertThat(loaded().snapshot().revision()).isEqualTo(1);
    assertThat(faults.faults()).containsExactly(StoreFault.NOT_OURS);
  }

  @Test
  void followsNoLink() throws Exception {
    save(Samples.snapshot(1), Samples.snapshot(2, Samples.CART));
    Path target = Files.move(directory().resolve("b.snapshot"), scratch.resolve("elsewhere"));
    Files.createSymbolicLink(directory().resolve("b.snapshot"), target);

    assertThat(loaded().snapshot().revision()).isEqualTo(1);
    assertThat(faults.faults()).containsExactly(StoreFault.NOT_OURS);
  }

  @Test
  void neitherReadsNorWritesADirectoryThatIsOpenToOthers() throws Exception {
    save(Samples.snapshot(1));
    Files.setPosixFilePermissions(directory(), PosixFilePermissions.fromString("rwxrwxrwx"));

    try (SnapshotStore store = open()) {
      assertThat(store.load()).isEmpty();
      store.save(Samples.snapshot(2, Samples.CART).withComplete(true), now, MeshMark.UNKNOWN);
      Await.until(() ->
          assertThat(faults.faults())
              .containsExactly(StoreFault.OPEN_TO_OTHERS, StoreFault.OPEN_TO_OTHERS));
      assertThat(store.status().problem()).contains(directory().toString()).contains("chmod");
    }
  }

  @Test
  void whatWasMendedByHandDoesNotPassForNewerThanWhatCameSince() throws Exception {
    save(Samples.snapshot(1), Samples.snapshot(2, Samples.CART));
    Files.setPosixFilePermissions(directory(), PosixFilePermissions.fromString("rwxrwxrwx"));
    try (SnapshotStore store = open()) {
      assertThat(store.load()).isEmpty();
      Files.setPosixFilePermissions(directory(), PosixFilePermissions.fromString("rwx------"));
      store.save(Samples.snapshot(3, Samples.CATALOGUE).withComplete(true), now, MeshMark.UNKNOWN);
    }
    assertThat(loaded().snapshot().revision()).isEqualTo(3);

    for (String name : names()) {
      Files.setPosixFilePermissions(
          directory().resolve(name), PosixFilePermissions.fromString("rw-rw----"));
    }
    save(Samples.snapshot(4, Samples.CART));
    for (String name : names()) {
      Files.setPosixFilePermissions(
          directory().resolve(name), PosixFilePermissions.fromString("rw-------"));
    }

    assertThat(loaded().snapshot().revision()).isEqualTo(4);
  }

  @Test
  void aFileOfAnySizeIsRefusedAndNotRead() throws Exception {
    save(Samples.snapshot(1), Samples.snapshot(2, Samples.CART));
    Path sparse = directory().resolve("b.snapshot");
    try (var file = new java.io.RandomAccessFile(sparse.toFile(), "rw")) {
      file.setLength(1L << 40);
    }

    assertThat(loaded().snapshot().revision()).isEqualTo(1);
    assertThat(faults.faults()).containsExactly(StoreFault.TOO_LARGE);
  }
}
