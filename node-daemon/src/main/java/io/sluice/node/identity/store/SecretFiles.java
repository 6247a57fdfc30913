package io.sluice.node.identity.store;

import io.sluice.cni.file.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
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
    try {
      new DurableFile(file, FILE).replace(content);
    } catch (IOException e) {
      throw new StoreException(
          "file " + file + " cannot be written (" + e + "); look at the disk's free space", e);
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
      new DurableFile(file, FILE).remove();
    } catch (IOException e) {
      throw new StoreException("file " + file + " cannot be removed (" + e + ")", e);
    }
  }
}
