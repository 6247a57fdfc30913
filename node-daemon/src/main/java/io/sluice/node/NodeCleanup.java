package io.sluice.node;

import io.sluice.interception.ClosedPods;
import io.sluice.interception.FormerPrograms;
import io.sluice.interception.FormerRules;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.node.NodePlace.StateLock;
import io.sluice.node.placement.NodeNamespaces;
import io.sluice.node.placement.PlacementSettings;
import io.sluice.node.placement.SandboxRecords;
import io.sluice.process.ProcessLock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Takes a node out of the mesh: what a daemon leaves in force on purpose is removed here. */
public final class NodeCleanup {
  private NodeCleanup() {}

  /**
   * Removes pins (programs detach, maps are freed), rules, barriers, cgroup and runtime directory
   * of a node; false where there was nothing of it. Throws {@link IllegalStateException} while its
   * daemon runs.
   */
  public static boolean removeAll(String nodeName) {
    return removeAll(nodeName, PlacementSettings.DEFAULTS.proc());
  }

  /** The same with the node's proc file system mounted elsewhere. */
  public static boolean removeAll(String nodeName, Path proc) {
    boolean wasThere =
        Files.exists(NodeSettings.runtimeDirectory(nodeName))
            || PinDirectory.nodeNames().contains(PinDirectory.directoryName(nodeName))
            || OwnCgroup.left(nodeName).isPresent();
    try (ProcessLock lock = lock(nodeName)) {
      NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
      new FormerPrograms(
              PinDirectory.ofNode(nodeName), namespaces, new NodeNamespaces(namespaces, proc))
          .removeAll();
      PinDirectory.removeIfLast();
      removeRules(nodeName, proc);
      openClosedPods(nodeName, proc);
      OwnCgroup.left(nodeName).ifPresent(Cgroups::remove);
      removeRuntimeDirectory(nodeName, lock);
    }
    return wasThere;
  }

  /**
   * Forgets what a node that leaves its mesh for good has kept in its state directory: its identity
   * with every key, and the stored snapshots. Its daemon must not run.
   */
  public static void forget(Path stateDirectory) {
    if (Files.notExists(stateDirectory)) {
      return;
    }
    try (ProcessLock _ = StateLock.ofState(stateDirectory)) {
      for (Path kept :
          List.of(NodeSettings.snapshots(stateDirectory), NodeSettings.identity(stateDirectory))) {
        if (Files.isDirectory(kept, LinkOption.NOFOLLOW_LINKS)) {
          removeTree(kept);
        }
      }
    }
  }

  /** Links are removed, and not followed. */
  static void removeTree(Path directory) {
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + directory, e);
    }
  }

  private static void removeRules(String nodeName, Path proc) {
    Path records = NodeSettings.iptablesRecords(nodeName);
    if (!Files.isDirectory(records)) {
      return;
    }
    NetworkNamespaces namespaces = new LinuxNetworkNamespaces();
    try (NetnsThread thread = new NetnsThread("sluice-netns", namespaces, 16)) {
      new FormerRules(
              records, namespaces, thread, new NodeNamespaces(namespaces, proc), Duration.ZERO)
          .removeAll();
    }
    removeRecords(records);
  }

  private static void openClosedPods(String nodeName, Path proc) {
    Path records = NodeSettings.closedPods(nodeName);
    if (!Files.isDirectory(records)) {
      return;
    }
    ClosedPods closed =
        new ClosedPods(new NodeNamespaces(new LinuxNetworkNamespaces(), proc), records);
    closed.cookies().forEach(closed::openLeftover);
    removeRecords(records);
  }

  private static void removeRecords(Path records) {
    try {
      ClosedPods.removeDirectory(records);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + records, e);
    }
  }

  private static ProcessLock lock(String nodeName) {
    try {
      return StateLock.ofNode(nodeName);
    } catch (IllegalStateException e) {
      throw new IllegalStateException(
          "the daemon of node '" + nodeName + "' is running; stop it first", e);
    }
  }

  private static void removeRuntimeDirectory(String nodeName, ProcessLock lock) {
    Path directory = NodeSettings.runtimeDirectory(nodeName);
    try {
      Files.deleteIfExists(NodeSettings.adminSocket(nodeName));
      Files.deleteIfExists(NodeSettings.cniSocket(nodeName));
      Files.deleteIfExists(NodeSettings.handOverSocket(nodeName));
      Files.deleteIfExists(NodeSettings.passedTrial(nodeName));
      Files.deleteIfExists(NodeSettings.stateNote(nodeName));
      Files.deleteIfExists(NodeSettings.folderNote(nodeName));
      SandboxRecords.removeAll(NodeSettings.sandboxes(nodeName));
      Files.deleteIfExists(lock.file()); // from here on a daemon may have the name
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      if (e instanceof DirectoryNotEmptyException && Files.exists(lock.file())) {
        return;
      }
      throw new UncheckedIOException("cannot remove " + directory, e);
    }
  }
}
