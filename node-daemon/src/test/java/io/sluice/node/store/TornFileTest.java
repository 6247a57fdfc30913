package io.sluice.node.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.sluice.attack.Attack;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.Samples;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a power cut, a bad flash cell or a foreign hand makes of a file. */
class TornFileTest {
  private static final Instant SAVED_AT = Instant.parse("2026-03-01T12:00:00.123Z");
  private static final int FORMAT_AT = 8;

  private final MeshSnapshot older = Samples.snapshot(7, Samples.CART);
  private final MeshSnapshot newer = Samples.snapshot(8, Samples.CART, Samples.CATALOGUE);
  private final byte[] olderFile =
      SnapshotFormat.write(3, new Stored(older.withComplete(true), SAVED_AT, MeshMark.UNKNOWN));
  private final byte[] newerFile =
      SnapshotFormat.write(4, new Stored(newer.withComplete(true), SAVED_AT, MeshMark.UNKNOWN));

  @TempDir private Path directory;
  private SlotFiles slots = new SlotFiles(Path.of("none"));

  @BeforeEach
  void keepTheOlderOne() throws IOException {
    slots = new SlotFiles(directory);
    Files.write(directory.resolve("a.snapshot"), olderFile);
  }

  private void newest(byte[] bytes) {
    try {
      Files.write(directory.resolve("b.snapshot"), bytes);
    } catch (IOException e) {
      throw new AssertionError("a scratch folder can be written", e);
    }
  }

  private void assertTheOlderIsUsed(StoreFault fault, String what) {
    SlotFiles.Found<Stored> found = slots.read(SnapshotFormat::stored);

    assertThat(found.newest()).as(what).isPresent();
    Stored used = found.newest().orElseThrow();
    assertThat(used.snapshot().revision()).as(what).isEqualTo(7);
    assertThat(used.snapshot().hasSameContentAs(older)).as(what).isTrue();
    assertThat(found.faults()).as(what).extracting(SlotFiles.Fault::kind).containsExactly(fault);
    assertThat(slots.nextSequence()).as(what).isGreaterThanOrEqualTo(4);
  }

  @Test
  void theNewerOfTwoWholeFilesIsUsed() {
    newest(newerFile);

    SlotFiles.Found<Stored> found = slots.read(SnapshotFormat::stored);

    assertThat(found.faults()).isEmpty();
    Stored used = found.newest().orElseThrow();
    assertThat(used.snapshot().hasSameContentAs(newer)).isTrue();
    assertThat(used.snapshot().revision()).isEqualTo(8);
    assertThat(used.snapshot().isComplete()).isTrue();
    assertThat(used.savedAt()).isEqualTo(SAVED_AT);
  }

  @Tag("attack")
  @Test
  void aFileThatEndsTooEarlyLeavesThePreviousOneInUse() {
    for (int length = 0; length < newerFile.length; length++) {
      newest(Arrays.copyOf(newerFile, length));
      assertTheOlderIsUsed(StoreFault.DAMAGED, "cut off after " + length + " bytes");
    }

    Attack.tried("the snapshot on the disk cut off, at each byte")
        .refusedBy("the daemon: the previous one is used")
        .countedAs(
            "sluice_snapshot_store_faults_total{fault=\"" + StoreFault.DAMAGED.label() + "\"}");
  }

  @Test
  void aFileWhoseEndWasNeverWrittenLeavesThePreviousOneInUse() {
    for (int length = 0; length < newerFile.length; length++) {
      byte[] zeroed = Arrays.copyOf(Arrays.copyOf(newerFile, length), newerFile.length);
      if (!Arrays.equals(zeroed, newerFile)) {
        newest(zeroed);
        assertTheOlderIsUsed(StoreFault.DAMAGED, "zeros from byte " + length);
      }
    }
  }

  @Tag("attack")
  @Test
  void everyFlippedBitIsFound() {
    for (int bit = 0; bit < newerFile.length * Byte.SIZE; bit++) {
      byte[] flipped = newerFile.clone();
      flipped[bit / Byte.SIZE] ^= (byte) (1 << (bit % Byte.SIZE));

      assertThatThrownBy(() -> SnapshotFormat.read(flipped))
          .as("bit %d", bit)
          .isInstanceOfSatisfying(
              UnusableSnapshotException.class,
              e -> assertThat(e.fault()).isEqualTo(StoreFault.DAMAGED));
      if (bit % Byte.SIZE
          == 0) { // the same through the file system, where the order may change too
        newest(flipped);
        assertTheOlderIsUsed(StoreFault.DAMAGED, "bit " + bit);
      }
    }

    Attack.tried("one bit of the snapshot on the disk flipped, each of them")
        .refusedBy("the daemon: the previous one is used")
        .countedAs(
            "sluice_snapshot_store_faults_total{fault=\"" + StoreFault.DAMAGED.label() + "\"}");
  }

  @Tag("attack")
  @Test
  void aFileWithMoreBehindItsEndLeavesThePreviousOneInUse() {
    newest(ByteBuffer.allocate(newerFile.length + 1).put(newerFile).array());

    assertTheOlderIsUsed(StoreFault.DAMAGED, "one byte more");

    Attack.tried("bytes planted behind the snapshot on the disk")
        .refusedBy("the daemon: the previous one is used")
        .countedAs(
            "sluice_snapshot_store_faults_total{fault=\"" + StoreFault.DAMAGED.label() + "\"}");
  }

  @Test
  void aFileOfANewerFormatLeavesThePreviousOneInUse() {
    newest(withChecksum(ByteBuffer.wrap(newerFile.clone()).putInt(FORMAT_AT, 3).array()));

    assertTheOlderIsUsed(StoreFault.NEWER_FORMAT, "format 3");
  }

  @Test
  void aWholeFileOfObjectsThatCannotBeUsedLeavesThePreviousOneInUse() {
    newest(new Envelope(4, SAVED_AT, true, 8, ByteString.EMPTY, MeshMark.UNKNOWN).bytes());

    assertTheOlderIsUsed(StoreFault.UNUSABLE_CONTENT, "no settings");
  }

  @Test
  void twoTornFilesGiveNoSnapshot() throws IOException {
    Files.write(directory.resolve("a.snapshot"), Arrays.copyOf(olderFile, 100));
    newest(new byte[0]);

    SlotFiles.Found<Stored> found = slots.read(SnapshotFormat::stored);

    assertThat(found.newest()).isEmpty();
    assertThat(found.faults()).hasSize(2);
  }

  /** Nobody but a faulty writer makes such files: the reader must not fall over them either. */
  @Test
  void objectsOfAnyBytesAreReadOrRefusedWhateverTheChecksumSays() {
    Random random = new Random(20_260_301);
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = newerFile.clone();
      for (int changes = 1 + random.nextInt(8); changes > 0; changes--) {
        bytes[FORMAT_AT + random.nextInt(bytes.length - FORMAT_AT - 32)] = (byte) random.nextInt();
      }
      refused += isRefused(withChecksum(bytes)) ? 1 : 0;
    }
    assertThat(refused).isGreaterThan(10_000);
  }

  private static boolean isRefused(byte[] bytes) {
    try {
      return Optional.of(SnapshotFormat.read(bytes)).isEmpty();
    } catch (UnusableSnapshotException e) {
      return true;
    }
  }

  /** The same bytes with the checksum that they should have. */
  private static byte[] withChecksum(byte[] bytes) {
    Checksums.correct(bytes);
    return bytes;
  }
}
