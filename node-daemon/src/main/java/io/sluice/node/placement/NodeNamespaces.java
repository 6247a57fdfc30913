package io.sluice.node.placement;

import io.sluice.interception.NamespaceSearch;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.node.placement.PodNamespaces.FoundNamespace;
import io.sluice.node.placement.ProcessFiles.Task;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Every network namespace of the node that a process or a bind mount keeps, by cookie. For
 * namespaces whose recorded path no longer leads there. For one thread at a time.
 */
public final class NodeNamespaces implements NamespaceSearch {
  private static final System.Logger LOG = System.getLogger(NodeNamespaces.class.getName());

  /** Many are asked for one after the other when a daemon starts: one look serves them. */
  private static final Duration KEPT = Duration.ofSeconds(1);

  private static final int MAX_NAMESPACES = 4_096;

  private final NetworkNamespaces namespaces;
  private final ProcessFiles files;
  private final MountedNamespaces mounts;
  private Map<Long, Path> byCookie = Map.of();
  private long lookedAt;
  private boolean hasLooked;

  /** {@code proc} is the node's proc file system. */
  public NodeNamespaces(NetworkNamespaces namespaces, Path proc) {
    this.namespaces = namespaces;
    this.files = new ProcessFiles(proc);
    this.mounts = new MountedNamespaces(List.of(Path.of("/"), files.rootOfInit()));
  }

  @Override
  public Optional<NetnsHandle> find(Path recorded, long cookie) {
    return openIf(recorded, cookie).or(() -> withCookie(cookie));
  }

  @Override
  public Optional<NetnsHandle> withCookie(long cookie) {
    long now = System.nanoTime();
    if (!hasLooked || now - lookedAt > KEPT.toNanos()) {
      byCookie = look();
      lookedAt = now;
      hasLooked = true;
    }
    Path path = byCookie.get(cookie);
    return path == null ? Optional.empty() : openIf(path, cookie);
  }

  private Map<Long, Path> look() {
    Map<Long, Path> byInode = new HashMap<>();
    files.forEachProcess(
        ProcessScan.MAX_PROCESSES,
        pid -> {
          OptionalLong inode = files.namespaceInode(Task.first(pid));
          if (inode.isPresent() && byInode.size() < MAX_NAMESPACES) {
            byInode.putIfAbsent(inode.getAsLong(), files.namespace(Task.first(pid)));
          }
        });
    byInode.putAll(mounts.byInode()); // outlives the process that was seen
    Map<Long, Path> found = new HashMap<>();
    for (Path path : byInode.values()) {
      try (NetnsHandle handle = namespaces.open(path)) {
        found.put(handle.cookie(), path);
      } catch (LinuxException e) {
        LOG.log(System.Logger.Level.DEBUG, "namespace_passed_over path=" + path, e);
      }
    }
    return found;
  }

  private Optional<NetnsHandle> openIf(Path path, long cookie) {
    try {
      return new NamespaceOpening(namespaces)
          .open(path, netns -> netns.cookie() == cookie)
          .map(FoundNamespace::netns);
    } catch (LinuxException e) {
      LOG.log(System.Logger.Level.DEBUG, "namespace_passed_over path=" + path, e);
      return Optional.empty();
    }
  }

  /**
   * Namespaces that a runtime keeps by a bind mount, with or without a process: containerd and
   * CRI-O do so below {@code /run/netns}, Docker below {@code /run/docker/netns}.
   */
  static final class MountedNamespaces {
    private static final int MAX_ENTRIES = 4_096;
    private static final List<String> PLACES = List.of("run/netns", "run/docker/netns");

    private final List<Path> roots;

    /** Looks below each root for the usual places. */
    MountedNamespaces(List<Path> roots) {
      this.roots = List.copyOf(roots);
    }

    /**
     * Paths by the inode of what is there. Whether that is a namespace shows when it is opened; a
     * root that may not be looked at counts as empty.
     */
    Map<Long, Path> byInode() {
      Map<Long, Path> found = new HashMap<>();
      for (Path root : roots) {
        for (String place : PLACES) {
          collect(root.resolve(place), found);
        }
      }
      return found;
    }

    private static void collect(Path directory, Map<Long, Path> found) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        for (Path entry : entries) {
          if (found.size() >= MAX_ENTRIES) {
            return;
          }
          try {
            found.putIfAbsent((Long) Files.getAttribute(entry, "unix:ino"), entry);
          } catch (IOException e) {
            // Unmounted since it was listed.
          }
        }
      } catch (IOException | DirectoryIteratorException e) {
        // Another runtime, or no right to look there.
      }
    }
  }
}
