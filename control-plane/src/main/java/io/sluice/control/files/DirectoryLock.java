package io.sluice.control.files;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * A directory held by one process at a time, by its file {@code lock}. The kernel lets go of it
 * with the process, however that ends; the file stays. Any thread.
 */
public final class DirectoryLock implements AutoCloseable {
  private final Path directory;
  private final FileChannel file;
  private final FileLock lock;

  private DirectoryLock(Path directory, FileChannel file, FileLock lock) {
    this.directory = directory;
    this.file = file;
    this.lock = lock;
  }

  /**
   * Takes {@code directory}, which is there.
   *
   * @param what it holds, for the message
   * @throws AuthorityException where another process has it, or this one has taken it before
   */
  public static DirectoryLock take(Path directory, String what) {
    try {
      FileChannel file =
          FileChannel.open(
              directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = tryLock(file);
      if (lock != null) {
        return new DirectoryLock(directory, file, lock);
      }
      file.close();
    } catch (IOException e) {
      throw DurableFiles.unwritable(directory, e);
    }
    throw new AuthorityException(
        Reason.STORE_UNWRITABLE,
        directory.toString(),
        "another process holds " + what,
        "stop the other one, or give each its own directory");
  }

  private static @Nullable FileLock tryLock(FileChannel file) throws IOException {
    try {
      return file.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // held by this very process
    }
  }

  @Override
  public void close() {
    try {
      lock.release();
      file.close();
    } catch (IOException e) {
      throw DurableFiles.unwritable(directory, e);
    }
  }
}
