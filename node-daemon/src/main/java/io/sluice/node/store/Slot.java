package io.sluice.node.store;

import io.sluice.node.fault.FaultPoint;
import io.sluice.process.DurableFile;
import io.sluice.process.FileSteps;
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
import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** One of the files that a snapshot may be in. For one thread at a time. */
final class Slot {
  private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rw-------");
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
                FileOutputStream created = FileSteps.REAL.create(temporary);
                FaultPoint.SNAPSHOT_BEGUN.reached();
                return created;
              }

              @Override
              public boolean unlink(Path target) throws IOException {
                return FileSteps.REAL.unlink(target);
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
      if (Files.size(path()) > Envelope.LONGEST_BYTES) {
        throw new UnusableSnapshotException(
            StoreFault.TOO_LARGE, "it has more than " + Envelope.LONGEST_BYTES + " bytes");
      }
      // Not through a link, also if one has come since.
      try (InputStream in =
          Files.newInputStream(path(), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
        return Optional.of(in.readNBytes(Envelope.LONGEST_BYTES + 1));
      }
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UnusableSnapshotException(StoreFault.UNREADABLE, "it cannot be read (" + e + ")");
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
