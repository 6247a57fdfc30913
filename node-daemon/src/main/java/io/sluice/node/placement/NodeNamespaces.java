package io.sluice.node.placement;

import io.sluice.interception.NamespaceSearch;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
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
          OptionalLong inode = files.namespaceInode(pid);
          if (inode.isPresent() && byInode.size() < MAX_NAMESPACES) {
            byInode.putIfAbsent(inode.getAsLong(), files.namespace(pid));
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
      NetnsHandle handle = namespaces.open(path);
      try {
        if (handle.cookie() == cookie) {
          return Optional.of(handle);
        }
      } catch (LinuxException e) {
        handle.close();
        throw e;
      }
      handle.close();
    } catch (LinuxException e) {
      LOG.log(System.Logger.Level.DEBUG, "namespace_passed_over path=" + path, e);
    }
    return Optional.empty();
  }
}
