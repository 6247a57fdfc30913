package io.sluice.node;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps two daemons from sharing one state directory; the kernel lets go when a process dies. */
final class StateLock implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;

  private StateLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  static StateLock take(Path stateDirectory) {
    Path file = stateDirectory.resolve("daemon.lock");
    try {
      Files.createDirectories(stateDirectory);
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock;
      try {
        lock = channel.tryLock();
      } catch (OverlappingFileLockException e) {
        lock = null;
      }
      if (lock == null) {
        channel.close();
        throw new IllegalStateException(
            "another node daemon holds "
                + file
                + "; stop it, or give this one another --node-name and --state");
      }
      return new StateLock(file, channel);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot lock " + file, e);
    }
  }

  /** Removes the lock file while the lock is held: nothing of ours is to be left. */
  void removeFile() throws IOException {
    Files.deleteIfExists(file);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot unlock the state directory", e);
    }
  }
}
