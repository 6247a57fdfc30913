package io.sluice.node.identity.store;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/** Small files of root alone, whole or absent whatever happens to the power. */
final class SecretFiles {
  private static final Set<PosixFilePermission> DIRECTORY =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> FILE = PosixFilePermissions.fromString("rw-------");
  private static final String ASIDE = ".writing-";

  private SecretFiles() {}

  /** Makes {@code directory} where it is missing; refuses one that is open to others. */
  static void requireDirectory(Path directory) {
    try {
      if (Files.notExists(directory)) {
        Files.createDirectories(directory.resolveSibling(""));
        Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(DIRECTORY));
      }
      requireOwnerOnly(directory);
    } catch (IOException e) {
      throw new StoreException(
          "directory " + directory + " cannot be made or read (" + e + "); see to its file system",
          e);
    }
  }

  /** Written aside, synced, renamed, and the directory synced. */
  static void write(Path file, byte[] content) {
    Path aside = file.resolveSibling(ASIDE + file.getFileName());
    try {
      Files.deleteIfExists(aside);
      Files.createFile(aside, PosixFilePermissions.asFileAttribute(FILE));
      // A stream, because an interrupt of the thread closes a channel half-way.
      try (FileOutputStream out = new FileOutputStream(aside.toFile())) {
        out.write(content);
        out.getFD().sync();
      }
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      syncDirectory(file);
    } catch (IOException e) {
      deleteQuietly(aside);
      throw new StoreException(
          "file " + file + " cannot be written (" + e + "); look at the disk's free space", e);
    }
  }

  /** What could not be written whole is of no use, and on a full disk in the way. */
  private static void deleteQuietly(Path aside) {
    try {
      Files.deleteIfExists(aside);
    } catch (IOException e) {
      // The next write to the same file deletes it first, or fails and says so.
    }
  }

  /** Its content; empty where there is no such file. */
  static Optional<byte[]> read(Path file, int longestBytes) {
    try {
      requireOwnerOnly(file);
      if (Files.size(file) > longestBytes) {
        throw new StoreException(
            "file " + file + " has more than " + longestBytes + " bytes and is not used");
      }
      return Optional.of(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new StoreException("file " + file + " cannot be read (" + e + ")", e);
    }
  }

  private static void requireOwnerOnly(Path path) throws IOException {
    Set<PosixFilePermission> present = Files.getPosixFilePermissions(path);
    Set<PosixFilePermission> open = EnumSet.noneOf(PosixFilePermission.class);
    open.addAll(present);
    open.removeAll(DIRECTORY);
    if (!open.isEmpty()) {
      throw new StoreException(
          path
              + " is open to others ("
              + PosixFilePermissions.toString(present)
              + ") and is not used; find out who could read it, then remove it, or chmod go-rwx");
    }
  }

  /** Removes it where it is there. */
  static void delete(Path file) {
    try {
      if (Files.deleteIfExists(file)) {
        syncDirectory(file);
      }
    } catch (IOException e) {
      throw new StoreException("file " + file + " cannot be removed (" + e + ")", e);
    }
  }

  /** A rename is durable only once its directory is (rename(2), fsync(2)). */
  private static void syncDirectory(Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file.toAbsolutePath().resolveSibling(""), StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
