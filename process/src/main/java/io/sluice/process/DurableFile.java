package io.sluice.process;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A small file that is replaced as a whole: a reader, or a machine that comes back from a power
 * cut, finds the old content or the new one, never a part. One writer at a time; not thread-safe.
 */
public final class DurableFile {
  private static final String SUFFIX = ".tmp";

  private final Path target;
  private final Set<PosixFilePermission> mode;
  private final FileSteps steps;

  /**
   * @param target the file; its directory has to exist when it is written
   * @param mode the permissions it gets, whatever the umask
   */
  public DurableFile(Path target, Set<PosixFilePermission> mode) {
    this(target, mode, FileSteps.REAL);
  }

  /** The same with other steps: for tests of what happens when one fails. */
  public DurableFile(Path target, Set<PosixFilePermission> mode, FileSteps steps) {
    this.target = target;
    this.mode = Set.copyOf(mode);
    this.steps = steps;
  }

  /** The file that is replaced. */
  public Path path() {
    return target;
  }

  /** The directory it is in. */
  public Path directory() {
    return Objects.requireNonNull(target.toAbsolutePath().getParent(), "a file has a directory");
  }

  /**
   * Where the content is put together, in the same directory. The name is fixed, so that what a
   * crash leaves behind is cleared by the next write, and ends in {@code .tmp}, which no container
   * runtime takes for a network configuration.
   */
  public Path temporary() {
    return target.resolveSibling("." + target.getFileName() + SUFFIX);
  }

  /** Whether {@code file} is what a write that never ended left of any; it was never in use. */
  public static boolean isTemporary(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith(".") && name.endsWith(SUFFIX);
  }

  /** Whether the file is there with exactly this content and the permissions it should have. */
  public boolean holds(byte[] content) throws IOException {
    try {
      var attributes =
          Files.readAttributes(target, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return attributes.isRegularFile()
          && attributes.size() == content.length
          && attributes.permissions().equals(mode)
          && Arrays.equals(Files.readAllBytes(target), content);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /**
   * Replaces the content. A program that is being executed may be replaced too: it keeps its file.
   *
   * @throws IOException when the old content is still in place; when only the last step failed, to
   *     make the new name durable, the new content is
   */
  public void replace(byte[] content) throws IOException {
    Path temporary = temporary();
    Files.deleteIfExists(temporary);
    try {
      // Closed before it gets its name: a file that somebody has open for writing cannot be run.
      try (FileOutputStream out = steps.create(temporary)) {
        out.write(content);
        Files.setPosixFilePermissions(temporary, mode);
        out.getFD().sync();
      }
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      try {
        Files.deleteIfExists(temporary);
      } catch (IOException left) {
        e.addSuppressed(left);
      }
      throw e;
    }
    syncDirectory(directory());
  }

  /** Removes what a crash left of a write. Returns whether there was anything. */
  public boolean clearTemporary() throws IOException {
    return Files.isDirectory(directory()) && Files.deleteIfExists(temporary());
  }

  /** Removes the file and what a crash left of a write. Returns whether the file was there. */
  public boolean remove() throws IOException {
    boolean removed = steps.unlink(target); // first: what others read matters most
    clearTemporary();
    if (removed) {
      syncDirectory(directory());
    }
    return removed;
  }

  /** Cuts the file to nothing in place: for when it can be neither replaced nor removed. */
  public void empty() throws IOException {
    try (FileChannel out =
        FileChannel.open(
            target,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING,
            LinkOption.NOFOLLOW_LINKS)) {
      out.force(true);
    }
  }

  /** A rename or an unlink is durable only once its directory is (rename(2), fsync(2)). */
  public static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** The steps of a replacement that fail on a full or read-only disk. */
  public interface FileSteps {
    /**
     * Of a file that is being written: it may be a secret, and gets its own mode when it is whole.
     */
    Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");

    /** The file system itself. */
    FileSteps REAL = new FileSteps() {};

    /**
     * Makes a file that is not there yet, for its owner alone, and opens it for writing; the caller
     * closes it.
     */
    default FileOutputStream create(Path temporary) throws IOException {
      Files.createFile(temporary, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
      // A stream, because an interrupt of the thread closes a channel half-way.
      return new FileOutputStream(temporary.toFile());
    }

    /** Removes the name of a file. Returns false when there was none. */
    default boolean unlink(Path file) throws IOException {
      return Files.deleteIfExists(file);
    }
  }

  /**
   * Small files of this process's user alone, whole or absent whatever happens to the power. Any
   * thread, but one writer of a file at a time.
   */
  public static final class SecretFiles {
    private static final Set<PosixFilePermission> DIRECTORY =
        PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> FILE =
        PosixFilePermissions.fromString("rw-------");

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
}
