package io.sluice.node;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that is there while this very process answers at the node's ports. A probe cannot tell by
 * the port, at which the daemon before this one may still answer.
 */
final class StartedFile implements AutoCloseable {
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
