package io.sluice.control.authority.builtin;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.files.DurableFiles;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The authority's directory (0700), held by one process at a time, and its {@code state.json}.
 *
 * <p>Not for several threads at once.
 */
final class AuthorityStore implements AutoCloseable {
  private static final int LONGEST_STATE = 65_536;

  private final Path directory;
  private final FileChannel lockFile;
  private final FileLock lock;

  private AuthorityStore(Path directory, FileChannel lockFile, FileLock lock) {
    this.directory = directory;
    this.lockFile = lockFile;
    this.lock = lock;
  }

  static AuthorityStore open(Path directory) {
    try {
      DurableFiles.makeDirectory(directory);
      AuthorityStore store = locked(directory);
      try (Stream<Path> files = Files.list(directory)) {
        files.filter(DurableFiles::isUnfinished).forEach(DurableFiles::delete);
      } catch (IOException | AuthorityException e) {
        store.close();
        throw e;
      }
      return store;
    } catch (IOException e) {
      throw DurableFiles.unwritable(directory, e);
    }
  }

  private static AuthorityStore locked(Path directory) throws IOException {
    FileChannel file =
        FileChannel.open(
            directory.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = tryLock(file);
    if (lock == null) {
      file.close();
      throw new AuthorityException(
          Reason.STORE_UNWRITABLE,
          directory.toString(),
          "another process holds this authority",
          "stop the other one, or give each its own directory");
    }
    return new AuthorityStore(directory, file, lock);
  }

  private static @Nullable FileLock tryLock(FileChannel file) throws IOException {
    try {
      return file.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // held by this very process
    }
  }

  Optional<StoredState> state() {
    return DurableFiles.read(stateFile(), LONGEST_STATE)
        .map(json -> StoredState.parse(json, stateFile()));
  }

  void write(StoredState state) {
    DurableFiles.write(stateFile(), state.json());
  }

  private Path stateFile() {
    return directory.resolve("state.json");
  }

  @Override
  public void close() {
    try {
      lock.release();
      lockFile.close();
    } catch (IOException e) {
      throw DurableFiles.unwritable(directory, e);
    }
  }
}
