package io.sluice.node;

import io.sluice.linux.cgroup.Cgroups;
import io.sluice.node.maps.PinDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Takes a node out of the mesh: what a daemon leaves in force on purpose is removed here. */
public final class NodeCleanup {
  private NodeCleanup() {}

  /**
   * Removes pins (programs detach, maps are freed), cgroup and runtime directory of a node. Throws
   * {@link IllegalStateException} while its daemon runs.
   */
  public static void removeAll(String nodeName) {
    Path socket = NodeSettings.adminSocket(nodeName);
    Path runtime = NodeSettings.runtimeDirectory(nodeName);
    // Held while removing: a daemon that starts meanwhile must not adopt half of the pins.
    try (StateLock lock = StateLock.take(runtime)) {
      PinDirectory.ofNode(nodeName).removeAll();
      Path cgroup = OwnCgroup.of(nodeName);
      if (Files.isDirectory(cgroup)) {
        Cgroups.remove(cgroup);
      }
      Files.deleteIfExists(socket);
      lock.removeFile();
      Files.deleteIfExists(runtime);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + runtime, e);
    }
  }
}
