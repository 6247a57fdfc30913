package io.sluice.cni.install;

import java.nio.file.Path;
import java.time.Duration;

/**
 * What the plugin's entry in the network configuration says. Paths are those of the node.
 *
 * @param socket where the daemon answers
 * @param membership the file that decides while it does not
 * @param timeout how long the plugin waits for the daemon; whole seconds, 1 to 60, less than the
 *     runtime itself waits (kubelet: two minutes)
 */
public record PluginEntry(Path socket, Path membership, Duration timeout) {
  /** The plugin's type, which is also the name of its binary. */
  public static final String TYPE = "sluice-cni";

  /** What a plugin waits unless it is told otherwise. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

  private static final Duration SHORTEST = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofSeconds(60);

  /**
   * @throws IllegalArgumentException for a path that is not absolute or a time out of range
   */
  public PluginEntry {
    if (!socket.isAbsolute() || !membership.isAbsolute()) {
      throw new IllegalArgumentException(
          "socket " + socket + " and membership " + membership + " have to be absolute paths");
    }
    if (timeout.compareTo(SHORTEST) < 0
        || timeout.compareTo(LONGEST) > 0
        || timeout.toNanosPart() != 0) {
      throw new IllegalArgumentException(
          "a CNI timeout of " + timeout + " is not whole seconds from 1 to 60");
    }
  }
}
