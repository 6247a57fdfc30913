package io.sluice.control.authority.builtin;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.DurableFiles;
import io.sluice.process.DurableFile;
import io.sluice.process.ProcessLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The authority's directory (0700), held by one process at a time, and its {@code state.json}.
 *
 * <p>Not for several threads at once.
 */
final class AuthorityStore implements AutoCloseable {
  private static final int LONGEST_STATE = 65_536;
  private static final String STATE = "state.json";

  private final Path directory;
  private final ProcessLock lock;

  private AuthorityStore(Path directory, ProcessLock lock) {
    this.directory = directory;
    this.lock = lock;
  }

  static AuthorityStore open(Path directory) {
    DurableFiles.makeDirectory(directory);
    AuthorityStore store =
        new AuthorityStore(directory, DurableFiles.hold(directory, "this authority"));
    try (Stream<Path> files = Files.list(directory)) {
      files.filter(DurableFile::isTemporary).forEach(DurableFiles::delete);
      return store;
    } catch (AuthorityException e) {
      store.close();
      throw e;
    } catch (IOException e) {
      store.close();
      throw DurableFiles.unwritable(directory, e);
    }
  }

  Optional<StoredState> state() {
    return state(directory);
  }

  /** What a directory holds that may be another's. */
  static Optional<StoredState> state(Path directory) {
    Path file = directory.resolve(STATE);
    return DurableFiles.read(file, LONGEST_STATE).map(json -> StoredState.parse(json, file));
  }

  void write(StoredState state) {
    DurableFiles.write(directory.resolve(STATE), state.json());
  }

  @Override
  public void close() {
    lock.close();
  }
}
