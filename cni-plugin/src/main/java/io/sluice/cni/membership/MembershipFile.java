package io.sluice.cni.membership;

import io.sluice.cni.membership.MembershipFileException.Aftermath;
import io.sluice.process.DurableFile;
import io.sluice.process.FileSteps;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;

/**
 * The membership on disk. The daemon writes it, the CNI client reads it while no daemon answers,
 * also after a power cut and before the daemon has started. Not thread-safe: one writer.
 */
public final class MembershipFile {
  private static final Set<PosixFilePermission> FILE_MODE =
      PosixFilePermissions.fromString("rw-r--r--");
  private static final Set<PosixFilePermission> DIRECTORY_MODE =
      PosixFilePermissions.fromString("rwxr-xr-x");

  private final DurableFile file;

  /** Nothing is read or made before the first call. */
  public MembershipFile(Path file) {
    this(file, FileSteps.REAL);
  }

  MembershipFile(Path file, FileSteps steps) {
    this.file = new DurableFile(file, FILE_MODE, steps);
  }

  /**
   * What the file says; nothing when there is none. Reads as strictly as the client does.
   *
   * @throws MembershipFileException naming line and reason, when the client would refuse it too
   */
  public Optional<Membership> read() {
    try {
      return Optional.of(MembershipFormat.decode(content()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | MembershipFormat.Malformed e) {
      throw MembershipFileException.unreadable(file.path(), e);
    }
  }

  private byte[] content() throws IOException {
    try (InputStream in = Files.newInputStream(file.path())) {
      return in.readNBytes(MembershipFormat.LARGEST_BYTES + 1);
    }
  }

  /**
   * Makes the file say this. Returns false when it says so already; then nothing is written.
   *
   * @throws MembershipFileException when it could not be written. The old file stays only if it
   *     lets nothing start that may not start any more; else it is removed, since no file means
   *     that nothing starts. {@link MembershipFileException#aftermath} tells which.
   */
  public boolean write(Membership membership) {
    try {
      byte[] content = MembershipFormat.encode(membership);
      file.clearTemporary();
      if (file.holds(content)) {
        return false;
      }
      makeDirectory();
      file.replace(content);
      return true;
    } catch (IOException | IllegalArgumentException e) {
      throw MembershipFileException.notWritten(
          file.path(), e, mayStay(membership) ? Aftermath.KEPT : withdraw(e));
    }
  }

  private void makeDirectory() throws IOException {
    Path directory = file.directory();
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(directory);
      Files.setPosixFilePermissions(directory, DIRECTORY_MODE);
    }
  }

  private boolean mayStay(Membership wanted) {
    try {
      return wanted.noLongerStarting(MembershipFormat.decode(content())).isEmpty();
    } catch (IOException | MembershipFormat.Malformed e) {
      return false; // what it says is not known, so it may say too much
    }
  }

  private Aftermath withdraw(Exception cause) {
    try {
      file.remove();
      return Aftermath.REMOVED;
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
    if (!Files.exists(file.path())) {
      return Aftermath.REMOVED; // only the directory could not be synced
    }
    try {
      file.empty();
      return Aftermath.EMPTIED;
    } catch (IOException e) {
      cause.addSuppressed(e);
      return Aftermath.OUTDATED;
    }
  }
}
