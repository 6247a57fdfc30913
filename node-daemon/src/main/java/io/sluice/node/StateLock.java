package io.sluice.node;

import io.sluice.process.ProcessLock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Keeps two daemons from sharing a directory or a name; the kernel lets go when a process dies. */
final class StateLock {
  private StateLock() {}

  /**
   * Locks {@code stateDirectory}, which is made when missing; throws {@link IllegalStateException}
   * when another daemon holds it.
   */
  static ProcessLock ofState(Path stateDirectory) {
    return take(
        stateDirectory.resolve("daemon.lock"),
        "stop it, take its place with --take-over, or give this one another --state");
  }

  /**
   * Locks the name of a node on this machine: two daemons of one name would take each other's hooks
   * and admin socket away. Throws alike.
   */
  static ProcessLock ofNode(String nodeName) {
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
    try {
      return ProcessLock.isHeld(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look at " + file, e);
    }
  }

  private static ProcessLock take(Path file, String advice) {
    try {
      Files.createDirectories(file.resolveSibling(""));
      return ProcessLock.take(file)
          .orElseThrow(
              () -> new IllegalStateException("another node daemon holds " + file + "; " + advice));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot lock " + file, e);
    }
  }
}
