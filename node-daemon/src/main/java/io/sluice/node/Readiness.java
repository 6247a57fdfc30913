package io.sluice.node;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/**
 * Whether the daemon does all that it was asked for. It is asked anew each time, since what a
 * running daemon needs of its node may go and come. Any thread.
 */
final class Readiness {
  private volatile boolean isStarted;
  private final List<Supplier<Optional<String>>> others = new CopyOnWriteArrayList<>();

  /** {@code missing} says what is not as it was asked for, and what mends it. */
  void require(Supplier<Optional<String>> missing) {
    others.add(missing);
  }

  /** Every pod that can be enrolled is in force. */
  void started() {
    isStarted = true;
  }

  /** The daemon ends. */
  void ended() {
    isStarted = false;
  }

  /** Why it is not ready; nothing where it is. */
  Optional<String> missing() {
    return isStarted
        ? others.stream().flatMap(other -> other.get().stream()).findFirst()
        : Optional.of("the daemon starts, or ends");
  }

  /**
   * A file that is there while this very process answers at the node's ports. A probe cannot tell
   * by the port, at which the daemon before this one may still answer.
   */
  static final class StartedFile implements AutoCloseable {
    private final Path path;

    private StartedFile(Path path) {
      this.path = path;
    }

    /** Removes what an earlier process left. */
    static StartedFile none(Path path) {
      StartedFile file = new StartedFile(path);
      file.close();
      return file;
    }

    /** Says that this process answers. */
    void write() {
      try {
        Files.writeString(path, ProcessHandle.current().pid() + "\n");
      } catch (IOException e) {
        throw new UncheckedIOException(
            "cannot write " + path + "; its directory must be there and writable", e);
      }
    }

    @Override
    public void close() {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot remove " + path, e);
      }
    }
  }
}
