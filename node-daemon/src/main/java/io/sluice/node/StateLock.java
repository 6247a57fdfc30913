package io.sluice.node;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps two daemons from sharing a directory or a name; the kernel lets go when a process dies. */
final class StateLock implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;

  private StateLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /** What is locked. */
  Path file() {
    return file;
  }

  /**
   * Locks {@code stateDirectory}, which is made when missing; throws {@link IllegalStateException}
   * when another daemon holds it.
   */
  static StateLock ofState(Path stateDirectory) {
    return take(
        stateDirectory.resolve("daemon.lock"),
        "stop it, take its place with --take-over, or give this one another --state");
  }

  /**
   * Locks the name of a node on this machine: two daemons of one name would take each other's hooks
   * and admin socket away. Throws alike.
   */
  static StateLock ofNode(String nodeName) {
    return take(
        nodeFile(nodeName),
        "stop it, take its place with --take-over, or give this one another --node-name");
  }

  private static Path nodeFile(String nodeName) {
    return NodeSettings.runtimeDirectory(nodeName).resolve("node.lock");
  }

  /** Whether a daemon of that name runs on this machine, this process's own included. */
  static boolean isNodeHeld(String nodeName) {
    Path file = nodeFile(nodeName);
    if (!Files.exists(file)) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      return !isLocked(channel);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at " + file, e);
    }
  }

  private static StateLock take(Path file, String advice) {
    try {
      Files.createDirectories(file.resolveSibling(""));
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      boolean locked = false;
      try {
        locked = isLocked(channel);
      } finally {
        if (!locked) {
          channel.close();
        }
      }
      if (!locked) {
        throw new IllegalStateException("another node daemon holds " + file + "; " + advice);
      }
      return new StateLock(file, channel);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot lock " + file, e);
    }
  }

  private static boolean isLocked(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false; // held by this very process
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot unlock " + file, e);
    }
  }
}
