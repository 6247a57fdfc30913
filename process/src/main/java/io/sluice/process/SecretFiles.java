package io.sluice.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * Small files of this process's user alone, whole or absent whatever happens to the power. Any
 * thread, but one writer of a file at a time.
 */
public final class SecretFiles {
  private static final Set<PosixFilePermission> DIRECTORY =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> FILE = PosixFilePermissions.fromString("rw-------");

  private SecretFiles() {}

  /** What is there must not be used, or cannot be meant; its message says why and what to do. */
  public static final class UnusableException extends IOException {
    private static final long serialVersionUID = 1L;
    private final String problem;
    private final String mend;

    UnusableException(Path path, String problem, String mend) {
      super(path + ": " + problem + "; " + mend);
      this.problem = problem;
      this.mend = mend;
    }

    /** What is wrong, without the file. */
    public String problem() {
      return problem;
    }

    /** What to do. */
    public String mend() {
      return mend;
    }
  }

  /**
   * Makes {@code directory}, and what it lies in, where it is missing.
   *
   * @throws UnusableException where it is open to others
   */
  public static void makeDirectory(Path directory) throws IOException {
    if (Files.notExists(directory)) {
      Files.createDirectories(directory.toAbsolutePath().resolveSibling(""));
      Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(DIRECTORY));
    }
    requireOwnerOnly(directory);
  }

  /** Replaces {@code file}, or leaves it as it was. */
  public static void write(Path file, byte[] content) throws IOException {
    new DurableFile(file, FILE).replace(content);
  }

  /**
   * Its content; empty where there is no such file.
   *
   * @throws UnusableException where it is open to others, or longer than {@code longestBytes}
   */
  public static Optional<byte[]> read(Path file, int longestBytes) throws IOException {
    try {
      requireOwnerOnly(file);
      long size = Files.size(file);
      if (size > longestBytes) {
        throw new UnusableException(
            file,
            size + " bytes are more than the " + longestBytes + " expected",
            "put back the copy of a backup; nothing was changed here");
      }
      return Optional.of(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Removes {@code file} for good, where it is there. */
  public static void delete(Path file) throws IOException {
    new DurableFile(file, FILE).remove();
  }

  private static void requireOwnerOnly(Path path) throws IOException {
    Set<PosixFilePermission> present = Files.getPosixFilePermissions(path);
    Set<PosixFilePermission> open = EnumSet.noneOf(PosixFilePermission.class);
    open.addAll(present);
    open.removeAll(DIRECTORY);
    if (!open.isEmpty()) {
      throw new UnusableException(
          path,
          "it is open to others (" + PosixFilePermissions.toString(present) + ")",
          "find out who could read it, then chmod go-rwx, or remove it to begin anew");
    }
  }
}
