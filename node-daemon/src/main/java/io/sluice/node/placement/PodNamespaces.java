package io.sluice.node.placement;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.MountTable;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.Workload;
import io.sluice.node.placement.NodeNamespaces.MountedNamespaces;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Opens the network namespace of a workload: where the registry placed it, else where its
 * {@linkplain ProcessPlaces processes} are. For one thread.
 */
public final class PodNamespaces {
  private static final Path NAMED_NAMESPACES = Path.of("/run/netns");

  private final NetworkNamespaces namespaces;
  private final NamespaceOpening opening;
  private final MountedNamespaces mounts;
  private final SandboxRecords sandboxes;
  private final ProcessPlaces processes;
  private final MountTable table;

  /** What is mounted where, as seen since the table of mounts has changed last. */
  private final Map<Path, NetnsHandle> mounted = new HashMap<>();

  /**
   * {@code hostNamespace} is the node's own; {@code sandboxes} are those that the runtime told of;
   * {@code table} is the caller's.
   */
  public PodNamespaces(
      NetworkNamespaces namespaces,
      PlacementSettings settings,
      SandboxRecords sandboxes,
      MountTable table,
      NetnsHandle hostNamespace) {
    this(
        namespaces,
        settings,
        sandboxes,
        table,
        hostNamespace.inode(),
        List.of(Path.of("/"), new ProcessFiles(settings.proc()).rootOfInit()),
        System::nanoTime);
  }

  PodNamespaces(
      NetworkNamespaces namespaces,
      PlacementSettings settings,
      SandboxRecords sandboxes,
      MountTable table,
      long hostInode,
      List<Path> mountRoots,
      LongSupplier nanoClock) {
    this.namespaces = namespaces;
    this.sandboxes = sandboxes;
    this.table = table;
    this.opening = new NamespaceOpening(namespaces);
    this.mounts = new MountedNamespaces(mountRoots);
    this.processes = new ProcessPlaces(namespaces, settings, hostInode, mounts, nanoClock);
  }

  /**
   * Opens the workload's namespace as it is now; the caller closes it.
   *
   * @throws LinuxException ENOENT when the pod is not on this node or has ended; EAGAIN when that
   *     is not certain: it is too early to look again, or not every process could be looked at
   */
  public FoundNamespace open(Workload workload) {
    Optional<Path> placed = workload.netns().map(PodNamespaces::placed);
    if (placed.isPresent()) {
      return new FoundNamespace(placed.get(), namespaces.open(placed.get()), List.of());
    }
    Optional<FoundNamespace> told = sandboxes.of(workload.name()).flatMap(this::openSandbox);
    if (told.isPresent()) {
      return told.get();
    }
    PodUid uid =
        workload
            .uid()
            .orElseThrow(() ->
                new LinuxException(
                    "find network namespace",
                    Errno.ENOENT,
                    "pod " + workload.name(),
                    "it has no UID, no sluice.io/netns, and no sandbox of it is attached"));
    FoundNamespace found = processes.open(uid);
    boolean isKept = false;
    try {
      isKept = !sandboxes.hasJustLeft(found.netns()::cookie);
    } finally {
      if (!isKept) {
        found.netns().close();
      }
    }
    if (!isKept) {
      throw new LinuxException(
          "find network namespace",
          Errno.ENOENT,
          "pod with UID " + uid,
          "the runtime has just ended its sandbox; it is enrolled when it has another");
    }
    return found;
  }

  private static Path placed(String netns) {
    return netns.startsWith("/") ? Path.of(netns) : NAMED_NAMESPACES.resolve(netns);
  }

  /**
   * To be called once before a round of {@link #isStill}.
   *
   * @return whether anything was mounted or unmounted, so that all may be elsewhere
   */
  public boolean beginRound() {
    boolean isChanged = table.hasChanged();
    if (isChanged) {
      mounted.clear();
    }
    return isChanged;
  }

  /** Whether {@link #isStill} needs no look at it until something is mounted or unmounted. */
  public boolean isMounted(Path path, NetnsHandle netns) {
    return mounted.get(path) == netns;
  }

  /**
   * Whether the workload is told to be at {@code path} and that leads to {@code netns} still. Opens
   * nothing and, while nothing is mounted or unmounted, looks at no mounted one again, for it is
   * asked of every pod in every sweep; false where only processes tell.
   */
  public boolean isStill(Workload workload, Path path, NetnsHandle netns) {
    return workload
            .netns()
            .map(PodNamespaces::placed)
            .or(() -> sandboxes.of(workload.name()).map(Sandbox::netns))
            .filter(path::equals)
            .isPresent()
        && (isMounted(path, netns) || leadsTo(path, netns));
  }

  private boolean leadsTo(Path path, NetnsHandle netns) {
    if (namespaces.isMountedAt(path, netns)) {
      mounted.put(path, netns);
      return true;
    }
    mounted.remove(path);
    return namespaces.leadsTo(path, netns);
  }

  /** Whether this workload can be found at all, if it is on this node. */
  public boolean canFind(Workload workload) {
    return workload.netns().isPresent()
        || workload.uid().isPresent()
        || sandboxes.of(workload.name()).isPresent();
  }

  private Optional<FoundNamespace> openSandbox(Sandbox sandbox) {
    return opening
        .open(sandbox.netns(), netns -> netns.cookie() == sandbox.cookie())
        .map(found -> new FoundNamespace(found.path(), found.netns(), sandbox.addresses()));
  }

  /** The sandboxes that the runtime told of. */
  public SandboxRecords sandboxes() {
    return sandboxes;
  }

  /**
   * Whether nothing that can be seen keeps the sandbox's namespace any more. Looks at every process
   * when its path does not lead there.
   */
  public boolean hasGone(Sandbox sandbox) {
    if (leadsTo(sandbox.netns(), sandbox)) {
      return false;
    }
    Path mounted = mounts.byInode().get(sandbox.inode());
    if (mounted != null && leadsTo(mounted, sandbox)) {
      return false;
    }
    return !processes.isHeld(sandbox.inode(), sandbox.cookie());
  }

  private boolean leadsTo(Path path, Sandbox sandbox) {
    Optional<FoundNamespace> found =
        opening.open(path, netns -> netns.cookie() == sandbox.cookie());
    found.ifPresent(one -> one.netns().close());
    return found.isPresent();
  }

  /**
   * A pod's open network namespace; whoever receives it closes it.
   *
   * @param path where it was opened; may lead elsewhere later
   * @param netns the namespace
   * @param addresses what its network was given, where that is known; the registry learns it later
   */
  public record FoundNamespace(Path path, NetnsHandle netns, List<InetAddress> addresses) {
    public FoundNamespace {
      addresses = List.copyOf(addresses);
    }
  }
}
