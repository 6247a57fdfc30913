package io.sluice.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;

/**
 * A file that one process holds at a time. The kernel lets go of it with the process, however that
 * ends; the file stays. Any thread.
 */
public final class ProcessLock implements AutoCloseable {
  private static final Set<PosixFilePermission> OWNER_ALONE =
      PosixFilePermissions.fromString("rw-------");

  private final Path file;
  private final FileChannel channel;

  private ProcessLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Takes {@code file}, which is made where it is missing, in a directory that is there. Empty
   * where another process has it, or this one has taken it before. Its owner alone may open it: who
   * may read a file may keep others from locking it (fcntl(2), F_RDLCK).
   */
  public static Optional<ProcessLock> take(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(OWNER_ALONE));
    boolean isTaken = false;
    try {
      if (!Files.getPosixFilePermissions(file).equals(OWNER_ALONE)) {
        Files.setPosixFilePermissions(file, OWNER_ALONE); // made by an earlier release
      }
      isTaken = tryLock(channel);
    } finally {
      if (!isTaken) {
        channel.close();
      }
    }
    return isTaken ? Optional.of(new ProcessLock(file, channel)) : Optional.empty();
  }

  /** Whether a process holds {@code file}, this one included. */
  public static boolean isHeld(Path file) throws IOException {
    if (!Files.exists(file)) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      return !tryLock(channel);
    }
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false; // held by this very process
    }
  }

  /** What is held. */
  public Path file() {
    return file;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot let go of " + file, e);
    }
  }
}
