package io.sluice.node;

import io.sluice.linux.cgroup.Cgroups;
import io.sluice.node.maps.PinDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/** Takes a node out of the mesh: what a daemon leaves in force on purpose is removed here. */
public final class NodeCleanup {
  private NodeCleanup() {}

  /**
   * Removes pins (programs detach, maps are freed), cgroup and runtime directory of a node. Throws
   * {@link IllegalStateException} while its daemon answers.
   */
  public static void removeAll(String nodeName) {
    Path socket = NodeSettings.adminSocket(nodeName);
    try (SocketChannel ignored = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      throw new IllegalStateException(
          "the daemon of node '" + nodeName + "' is running; stop it first");
    } catch (IOException e) {
      // Nobody answers: the daemon is not running.
    }
    PinDirectory.ofNode(nodeName).removeAll();
    Path cgroup = OwnCgroup.of(nodeName);
    if (Files.isDirectory(cgroup)) {
      Cgroups.remove(cgroup);
    }
    try {
      Files.deleteIfExists(socket);
      Files.deleteIfExists(socket.getParent());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + socket.getParent(), e);
    }
  }
}
