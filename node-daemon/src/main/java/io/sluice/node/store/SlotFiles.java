package io.sluice.node.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Two slots in one directory, of which the older is written next, so that the newer is never
 * touched. For one thread at a time.
 */
final class SlotFiles {
  private final Path directory;
  private final List<Slot> slots;

  /** Where the next one goes; the other holds the newest usable snapshot, if there is one. */
  private int next;

  private long sequence;

  /** What the slots claimed when they were read; -1: nobody has. */
  private long readFirst = -1;

  private long readSecond = -1;

  /** Whether it is known what is there. */
  private boolean isLooked;

  /** Looks at nothing yet. */
  SlotFiles(Path directory) {
    this.directory = directory;
    this.slots =
        List.of(
            new Slot(directory.resolve("a.snapshot")), new Slot(directory.resolve("b.snapshot")));
  }

  /** Makes content of what surrounds it. */
  interface Reader<T> {
    T read(Envelope envelope) throws UnusableSnapshotException;
  }

  /**
   * What was found.
   *
   * @param newest of those that can be used
   * @param faults one for each slot that cannot be, or one for the directory
   */
  record Found<T>(Optional<T> newest, List<Fault> faults) {}

  /** What is wrong with which path. */
  record Fault(StoreFault kind, Path path, String problem) {
    @Override
    public String toString() {
      return path + ": " + problem;
    }
  }

  /**
   * Reads what claims to be newer first, and of the other only as much as is needed to know whether
   * it could be used, so that only one is in memory at a time.
   */
  <T> Found<T> read(Reader<T> reader) {
    List<Fault> faults = new ArrayList<>();
    Optional<T> newest = Optional.empty();
    isLooked = isDirectoryUsable(faults) || faults.isEmpty();
    if (!isLooked || Files.notExists(directory)) {
      return new Found<>(newest, faults);
    }
    for (int candidate : newerFirst()) {
      Slot slot = slots.get(candidate);
      try {
        Optional<byte[]> bytes = slot.read();
        if (bytes.isPresent()) {
          Envelope envelope = Envelope.parse(bytes.get());
          if (newest.isEmpty()) {
            newest = Optional.of(reader.read(envelope));
            next = 1 - candidate;
          }
        }
      } catch (UnusableSnapshotException e) {
        faults.add(new Fault(e.fault(), slot.path(), e.problem()));
      }
    }
    return new Found<>(newest, faults);
  }

  private boolean isDirectoryUsable(List<Fault> faults) {
    try {
      Slot.requireOwn(directory, BasicFileAttributes::isDirectory, "a directory");
      return true;
    } catch (NoSuchFileException e) {
      return false; // nothing was ever saved
    } catch (IOException e) {
      faults.add(new Fault(StoreFault.UNREADABLE, directory, "it cannot be read (" + e + ")"));
      return false;
    } catch (UnusableSnapshotException e) {
      faults.add(new Fault(e.fault(), directory, e.problem()));
      return false;
    }
  }

  /** The claims are not proven yet: whoever lies about its place fails its checksum. */
  private int[] newerFirst() {
    long first = slots.get(0).claimedSequence();
    long second = slots.get(1).claimedSequence();
    // Also of one that cannot be used today: mended by hand, it must not pass for newer later.
    sequence = Math.max(sequence, Math.max(first, second));
    readFirst = first;
    readSecond = second;
    return second > first ? new int[] {1, 0} : new int[] {0, 1};
  }

  /** Whether both slots claim what they claimed when they were read. */
  boolean isAsRead() {
    return slots.get(0).claimedSequence() == readFirst
        && slots.get(1).claimedSequence() == readSecond;
  }

  /** Sequence that the next file written has to have; looks at what is there, if nobody could. */
  long nextSequence() {
    if (!isLooked) {
      read(envelope -> envelope);
    }
    return sequence + 1;
  }

  /**
   * Writes the bytes of a file with {@link #nextSequence} into the older slot; on failure both
   * slots are as they were.
   */
  void write(byte[] bytes) throws IOException, UnusableSnapshotException {
    prepareDirectory();
    slots.get(next).write(bytes);
    next = 1 - next;
    sequence++;
  }

  private void prepareDirectory() throws IOException, UnusableSnapshotException {
    if (Files.notExists(directory)) {
      Files.createDirectories(directory.toAbsolutePath().resolveSibling(""));
      Files.createDirectory(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    Slot.requireOwn(directory, BasicFileAttributes::isDirectory, "a directory");
    // What a crash has left of the other would lie there until its turn, and take room.
    for (Slot slot : slots) {
      slot.clearTemporary();
    }
  }
}
