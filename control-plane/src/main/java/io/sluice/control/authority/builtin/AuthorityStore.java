package io.sluice.control.authority.builtin;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.files.DurableFiles;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The authority's directory (0700), held by one process at a time: {@code state.json}, and for each
 * root {@code root-<id>.pem} and {@code intermediate-<id>.pem}, each the chain and its key in one
 * file (0600), so that a key and its certificate can never be of two writings.
 *
 * <p>Not for several threads at once.
 */
final class AuthorityStore implements AutoCloseable {
  private static final String ROOT = "root-";
  private static final String INTERMEDIATE = "intermediate-";
  private static final String PEM = ".pem";
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

  /** Ids of all roots on disk, in use or not. */
  List<String> rootIds() {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith(ROOT) && name.endsWith(PEM))
          .map(name -> name.substring(ROOT.length(), name.length() - PEM.length()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw DurableFiles.unwritable(directory, e);
    }
  }

  /** The issuer at the top of what we hold: a root, or an intermediate that was brought along. */
  Issuer root(String id) {
    Path file = rootFile(id);
    Issuer root =
        read(file)
            .orElseThrow(() -> DurableFiles.damaged(file, "the state names it, it is not there"));
    if (!root.id().equals(id)) {
      throw DurableFiles.damaged(file, "it holds another certificate (" + root.id() + ")");
    }
    return root;
  }

  void writeRoot(Issuer root) {
    DurableFiles.write(rootFile(root.id()), text(root));
  }

  /** The intermediate below a root; empty where none was made yet. */
  Optional<Issuer> intermediate(String rootId) {
    Path file = intermediateFile(rootId);
    Optional<Issuer> intermediate = read(file);
    intermediate.ifPresent(issuer -> {
      if (issuer.chain().size() < 2 || !rootId.equals(Issuer.idOf(issuer.chain().get(1)))) {
        throw DurableFiles.damaged(file, "it was issued by another root");
      }
    });
    return intermediate;
  }

  void writeIntermediate(String rootId, Issuer intermediate) {
    DurableFiles.write(intermediateFile(rootId), text(intermediate));
  }

  /** Removes the keys of a root that nobody trusts any more. */
  void forget(String rootId) {
    DurableFiles.delete(intermediateFile(rootId));
    DurableFiles.delete(rootFile(rootId));
  }

  private static Optional<Issuer> read(Path file) {
    return DurableFiles.read(file, Pem.LONGEST_TEXT)
        .map(text -> {
          Pem pem = Pem.parse(text, file.toString());
          if (pem.certificates().isEmpty() || pem.keys().size() != 1) {
            throw DurableFiles.damaged(
                file, "it holds " + pem + " instead of a chain and its one key");
          }
          return Issuer.checked(pem.certificates(), pem.keys().getFirst(), file.toString());
        });
  }

  private static String text(Issuer issuer) {
    return new Pem(issuer.chain(), List.of(issuer.key())).text();
  }

  private Path stateFile() {
    return directory.resolve("state.json");
  }

  private Path rootFile(String id) {
    return directory.resolve(ROOT + id + PEM);
  }

  private Path intermediateFile(String rootId) {
    return directory.resolve(INTERMEDIATE + rootId + PEM);
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
