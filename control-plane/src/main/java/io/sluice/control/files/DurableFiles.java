package io.sluice.control.files;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Small secret files that are whole or absent, whatever happens to the power: written aside,
 * synced, renamed, and the directory synced. Any thread, but one writer of a file at a time.
 *
 * <p>Failures are {@link AuthorityException}s that name the file and what to do.
 */
public final class DurableFiles {
  private static final Set<PosixFilePermission> OWNER_DIRECTORY =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> OWNER_FILE =
      PosixFilePermissions.fromString("rw-------");
  private static final String ASIDE = ".writing-";

  private DurableFiles() {}

  /** Makes {@code directory} for its owner alone, and refuses one that is open to others. */
  public static void makeDirectory(Path directory) throws IOException {
    Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(OWNER_DIRECTORY));
    requireOwnerOnly(directory);
  }

  /** Replaces {@code file} by {@code text}, readable by its owner alone. */
  public static void write(Path file, String text) {
    Path aside = file.resolveSibling(ASIDE + file.getFileName());
    try {
      Files.deleteIfExists(aside);
      Files.createFile(aside, PosixFilePermissions.asFileAttribute(OWNER_FILE));
      // A stream, because an interrupt of the thread closes a channel half-way.
      try (FileOutputStream out = new FileOutputStream(aside.toFile())) {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.getFD().sync();
      }
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      syncDirectory(parent(file));
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  /** The content of {@code file}, or empty where there is none. */
  public static Optional<String> read(Path file, int longestBytes) {
    try {
      requireOwnerOnly(file);
      long size = Files.size(file);
      if (size > longestBytes) {
        throw damaged(file, size + " bytes are more than the " + longestBytes + " expected");
      }
      return Optional.of(Files.readString(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new AuthorityException(
          Reason.STORE_DAMAGED, file.toString(), "it cannot be read", "look at the disk", e);
    }
  }

  /** Removes {@code file} for good, where it is there. */
  public static void delete(Path file) {
    try {
      if (Files.deleteIfExists(file)) {
        syncDirectory(parent(file));
      }
    } catch (IOException e) {
      throw unwritable(file, e);
    }
  }

  /** What a write that never ended left behind; it was never in use. */
  public static boolean isUnfinished(Path file) {
    return file.getFileName().toString().startsWith(ASIDE);
  }

  /**
   * Refuses what others may read or change.
   *
   * @throws NoSuchFileException where there is no such file
   */
  public static void requireOwnerOnly(Path path) throws IOException {
    Set<PosixFilePermission> open = EnumSet.copyOf(Files.getPosixFilePermissions(path));
    open.removeAll(OWNER_DIRECTORY);
    if (!open.isEmpty()) {
      throw new AuthorityException(
          Reason.STORE_DAMAGED,
          path.toString(),
          "it is open to others ("
              + PosixFilePermissions.toString(Files.getPosixFilePermissions(path))
              + ")",
          "find out who could read it, then chmod go-rwx, or begin with a new authority");
    }
  }

  /** For content that is not as it was written. */
  public static AuthorityException damaged(Path file, String problem) {
    return new AuthorityException(
        Reason.STORE_DAMAGED,
        file.toString(),
        problem,
        "put back the copy of a backup; nothing was changed here");
  }

  /** For a disk that did not take it. */
  public static AuthorityException unwritable(Path file, IOException e) {
    return new AuthorityException(
        Reason.STORE_UNWRITABLE,
        file.toString(),
        "it cannot be written (" + e + ")",
        "look at the disk's free space and the directory's owner",
        e);
  }

  private static Path parent(Path file) {
    return Objects.requireNonNull(file.toAbsolutePath().getParent());
  }

  /** A rename is durable only once its directory is (rename(2), fsync(2)). */
  public static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
