package io.sluice.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A file that one process holds at a time. The kernel lets go of it with the process, however that
 * ends; the file stays. Any thread.
 */
public final class ProcessLock implements AutoCloseable {
  private static final Set<PosixFilePermission> OWNER_ALONE =
      PosixFilePermissions.fromString("rw-------");

  /** More others than this do not come and go while one takes it. */
  private static final int MOST_REPLACED = 100;

  /**
   * Keys of the files that this process holds. To close any descriptor of such a file would let go
   * of it (fcntl(2)), so none is opened a second time.
   */
  private static final Set<Object> HELD = new HashSet<>();

  private final Path file;
  private final FileChannel channel;
  private final Object held;

  /** Which file a path names: a number comes again once a file is gone, at another time. */
  private record Identity(Object key, FileTime made) {}

  private ProcessLock(Path file, FileChannel channel, Object held) {
    this.file = file;
    this.channel = channel;
    this.held = held;
  }

  /**
   * Takes {@code file}, which is made where it is missing, with its directory. Empty where another
   * process has it, or this one has taken it before. Its owner alone may open it: who may read a
   * file may keep others from locking it (fcntl(2), F_RDLCK).
   *
   * <p>Who holds it may remove it, before it lets go: what is taken is what the path names then.
   */
  public static Optional<ProcessLock> take(Path file) throws IOException {
    return take(file, () -> {});
  }

  /** The same; {@code opened} runs each time when the file is open and not locked yet. */
  static Optional<ProcessLock> take(Path file, Runnable opened) throws IOException {
    synchronized (HELD) {
      for (int i = 0; i < MOST_REPLACED; i++) {
        Optional<Identity> before = identity(file);
        if (before.isEmpty()) {
          make(file);
          continue;
        }
        if (HELD.contains(before.get().key())) {
          return Optional.empty();
        }
        @Nullable FileChannel channel = open(file);
        if (channel == null) {
          continue; // removed since
        }
        boolean isTaken = false;
        try {
          opened.run();
          if (!tryLock(channel)) {
            return Optional.empty();
          }
          isTaken = identity(file).equals(before);
        } finally {
          if (!isTaken) {
            channel.close();
          }
        }
        if (isTaken) {
          HELD.add(before.get().key());
          return Optional.of(new ProcessLock(file, channel, before.get().key()));
        }
      }
    }
    throw new IOException(file + " is removed again and again");
  }

  private static void make(Path file) throws IOException {
    try {
      Files.createDirectories(file.resolveSibling(""));
      Files.createFile(file, PosixFilePermissions.asFileAttribute(OWNER_ALONE));
    } catch (FileAlreadyExistsException | NoSuchFileException e) {
      // Another one was faster, or has removed the directory since.
    }
  }

  private static @Nullable FileChannel open(Path file) throws IOException {
    try {
      if (!Files.getPosixFilePermissions(file).equals(OWNER_ALONE)) {
        Files.setPosixFilePermissions(file, OWNER_ALONE); // made by an earlier release
      }
      return FileChannel.open(file, StandardOpenOption.WRITE);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private static Optional<Identity> identity(Path file) throws IOException {
    try {
      BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
      Object key = now.fileKey() == null ? file.toAbsolutePath() : now.fileKey();
      return Optional.of(new Identity(key, now.creationTime()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Whether a process holds {@code file}, this one included. */
  public static boolean isHeld(Path file) throws IOException {
    synchronized (HELD) {
      Optional<Identity> present = identity(file);
      if (present.isEmpty() || HELD.contains(present.get().key())) {
        return present.isPresent();
      }
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        return !tryLock(channel);
      } catch (NoSuchFileException e) {
        return false; // removed since
      }
    }
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false; // taken by other means in this very process
    }
  }

  /** What is held. */
  public Path file() {
    return file;
  }

  @Override
  public void close() {
    synchronized (HELD) {
      HELD.remove(held);
      try {
        channel.close();
      } catch (IOException e) {
        throw new UncheckedIOException("cannot let go of " + file, e);
      }
    }
  }
}
