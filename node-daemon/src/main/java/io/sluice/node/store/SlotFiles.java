package io.sluice.node.store;

import io.sluice.mesh.FileFault;
import io.sluice.node.fault.FaultPoint;
import io.sluice.process.DurableFile;
import io.sluice.process.DurableFile.FileSteps;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

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
      faults.add(
          new Fault(
              StoreFault.UNREADABLE, directory, "it cannot be read (" + FileFault.reason(e) + ")"));
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
    Envelope.requireReadable(bytes.length);
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

  /** One of the files that a snapshot may be in. For one thread at a time. */
  static final class Slot {
    private static final Set<PosixFilePermission> MODE =
        PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> FOREIGN_WRITE =
        EnumSet.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    private final DurableFile file;

    Slot(Path path) {
      this.file =
          new DurableFile(
              path,
              MODE,
              new FileSteps() {
                @Override
                public FileOutputStream create(Path temporary) throws IOException {
                  FileOutputStream created = FileSteps.super.create(temporary);
                  FaultPoint.SNAPSHOT_BEGUN.reached();
                  return created;
                }
              });
    }

    Path path() {
      return file.path();
    }

    /** Its bytes; empty when there is no such file. */
    Optional<byte[]> read() throws UnusableSnapshotException {
      try {
        requireOwn(path(), BasicFileAttributes::isRegularFile, "a file");
        Envelope.requireReadable(Files.size(path()));
        // Not through a link, also if one has come since.
        try (InputStream in =
            Files.newInputStream(path(), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
          return Optional.of(in.readNBytes(Envelope.LONGEST_BYTES + 1));
        }
      } catch (NoSuchFileException e) {
        return Optional.empty();
      } catch (IOException e) {
        throw new UnusableSnapshotException(
            StoreFault.UNREADABLE, "it cannot be read (" + FileFault.reason(e) + ")");
      }
    }

    /**
     * The sequence that the file claims, whoever wrote it: good for the order in which to look, no
     * more. 0 where there is none, or none that can be believed of any file.
     */
    long claimedSequence() {
      try {
        if (!Files.isRegularFile(path(), LinkOption.NOFOLLOW_LINKS)) {
          return 0;
        }
        try (InputStream in =
            Files.newInputStream(path(), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
          long claimed = Envelope.claimedSequence(in.readNBytes(Envelope.HEADER_BYTES));
          return claimed < Envelope.LARGEST_SEQUENCE ? Math.max(0, claimed) : 0;
        }
      } catch (IOException e) {
        return 0; // said when it is read as a whole
      }
    }

    /** Replaces its content; on failure the former content is still there. */
    void write(byte[] bytes) throws IOException {
      file.replace(bytes);
      FaultPoint.SNAPSHOT_SAVED.reached();
    }

    /** Removes what a write that was cut off has left. */
    void clearTemporary() throws IOException {
      file.clearTemporary();
    }

    /**
     * Refuses what somebody else may have written.
     *
     * @param kind what it has to be
     * @param kindName the same for people
     */
    static void requireOwn(Path path, Predicate<BasicFileAttributes> kind, String kindName)
        throws IOException, UnusableSnapshotException {
      PosixFileAttributes found =
          Files.readAttributes(path, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (!kind.test(found)) {
        throw new UnusableSnapshotException(StoreFault.NOT_OURS, "it is not " + kindName);
      }
      UserPrincipal self = Files.getOwner(Path.of("/proc/self"));
      if (!self.equals(found.owner())) {
        throw new UnusableSnapshotException(
            StoreFault.NOT_OURS,
            "it belongs to user "
                + found.owner()
                + " and the daemon is user "
                + self
                + "; find out who put it there, then remove it");
      }
      if (!Collections.disjoint(found.permissions(), FOREIGN_WRITE)) {
        throw new UnusableSnapshotException(
            StoreFault.OPEN_TO_OTHERS,
            "others may write it; find out who did, then remove it, or chmod go-w");
      }
    }
  }
}
