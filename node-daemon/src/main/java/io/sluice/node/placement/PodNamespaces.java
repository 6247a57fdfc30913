package io.sluice.node.placement;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.Workload;
import io.sluice.node.placement.NodeNamespaces.MountedNamespaces;
import io.sluice.node.placement.ProcessFiles.ProcessScan;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Opens the network namespace of a workload: where the registry placed it, else where its processes
 * are. All processes are looked at only when a pod's namespace is not known, and never more often
 * than {@link #SCAN_INTERVAL} or for more than one part in {@value #SCAN_SHARE} of the time. For
 * one thread.
 */
public final class PodNamespaces {
  private static final System.Logger LOG = System.getLogger(PodNamespaces.class.getName());
  private static final Path NAMED_NAMESPACES = Path.of("/run/netns");

  /** Between two looks for pods that were not found by the one before. */
  static final Duration SCAN_INTERVAL = Duration.ofSeconds(1);

  /** After a look, so many times its duration passes before the next. */
  static final int SCAN_SHARE = 50;

  /** Processes of one namespace that are opened to see which it is; the first does as a rule. */
  private static final int MOST_TRIES = 8;

  private final NetworkNamespaces namespaces;
  private final ProcessFiles files;
  private final PodCgroups cgroups;
  private final ProcessScan scan;
  private final MountedNamespaces mounts;
  private final SandboxRecords sandboxes;
  private final LongSupplier nanoClock;
  private Map<PodUid, Place> places = new HashMap<>();
  private boolean hasScanned;
  private boolean wasWhole = true;
  private long scanBegan;
  private long scanTook;

  /** Where a pod is, as of the last look. */
  private sealed interface Place {
    long inode();

    /** Of the namespace, as it was opened while it surely belonged to the pod; 0 before. */
    long cookie();

    /** By a process. */
    record Running(int pid, long startTicks, long inode, long cookie) implements Place {}

    /** Its processes have ended, and a bind mount still keeps the namespace for the next one. */
    record Mounted(Path path, long inode, long cookie) implements Place {}
  }

  /**
   * {@code hostNamespace} is the node's own; {@code sandboxes} are those that the runtime told of.
   */
  public PodNamespaces(
      NetworkNamespaces namespaces,
      PlacementSettings settings,
      SandboxRecords sandboxes,
      NetnsHandle hostNamespace) {
    this(
        namespaces,
        settings,
        sandboxes,
        hostNamespace.inode(),
        List.of(Path.of("/"), new ProcessFiles(settings.proc()).rootOfInit()),
        System::nanoTime);
  }

  PodNamespaces(
      NetworkNamespaces namespaces,
      PlacementSettings settings,
      SandboxRecords sandboxes,
      long hostInode,
      List<Path> mountRoots,
      LongSupplier nanoClock) {
    this.namespaces = namespaces;
    this.sandboxes = sandboxes;
    this.files = new ProcessFiles(settings.proc());
    this.cgroups = new PodCgroups(settings.cgroupRoot());
    this.scan = new ProcessScan(files, cgroups, hostInode);
    this.mounts = new MountedNamespaces(mountRoots);
    this.nanoClock = nanoClock;
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
    FoundNamespace found = find(uid);
    if (orClosed(found, () -> sandboxes.hasJustLeft(found.netns()::cookie))) {
      found.netns().close();
      throw notFound(uid, false);
    }
    return found;
  }

  private static Path placed(String netns) {
    return netns.startsWith("/") ? Path.of(netns) : NAMED_NAMESPACES.resolve(netns);
  }

  /**
   * Whether the workload is told to be at {@code path} and that leads to {@code netns} still. Opens
   * nothing, for it is asked of every pod in every sweep; false where only processes tell.
   */
  public boolean isStill(Workload workload, Path path, NetnsHandle netns) {
    return workload
            .netns()
            .map(PodNamespaces::placed)
            .or(() -> sandboxes.of(workload.name()).map(Sandbox::netns))
            .filter(path::equals)
            .isPresent()
        && namespaces.leadsTo(path, netns);
  }

  /** Whether this workload can be found at all, if it is on this node. */
  public boolean canFind(Workload workload) {
    return workload.netns().isPresent()
        || workload.uid().isPresent()
        || sandboxes.of(workload.name()).isPresent();
  }

  private Optional<FoundNamespace> openSandbox(Sandbox sandbox) {
    return openIf(sandbox.netns(), sandbox.cookie())
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
    List<Path> inside = new ArrayList<>();
    files.forEachProcess(
        ProcessScan.MAX_PROCESSES,
        pid -> {
          if (inside.size() < MOST_TRIES
              && files.namespaceInode(pid).equals(OptionalLong.of(sandbox.inode()))) {
            inside.add(files.namespace(pid));
          }
        });
    return inside.stream().noneMatch(path -> leadsTo(path, sandbox));
  }

  private boolean leadsTo(Path path, Sandbox sandbox) {
    Optional<FoundNamespace> found = openIf(path, sandbox.cookie());
    found.ifPresent(one -> one.netns().close());
    return found.isPresent();
  }

  private FoundNamespace find(PodUid uid) {
    Place known = places.get(uid);
    if (known instanceof Place.Running running) {
      Optional<FoundNamespace> found = openRunning(uid, running);
      if (found.isPresent()) {
        return found.get();
      }
    }
    boolean hasJustEnded = known instanceof Place.Running;
    boolean looked = isDue(hasJustEnded ? Duration.ZERO : SCAN_INTERVAL);
    if (looked) {
      look();
    }
    Optional<FoundNamespace> found =
        switch (places.get(uid)) {
          case Place.Running running when looked -> openRunning(uid, running);
          case Place.Mounted mounted -> openMounted(mounted);
          case null, default -> Optional.empty();
        };
    return found.orElseThrow(() -> notFound(uid, places.get(uid) instanceof Place.Running));
  }

  private boolean isDue(Duration interval) {
    return !hasScanned
        || nanoClock.getAsLong() - scanBegan >= Math.max(interval.toNanos(), scanTook * SCAN_SHARE);
  }

  private void look() {
    long begin = nanoClock.getAsLong();
    ProcessScan.Seen seen = scan.run();
    Map<PodUid, Place> next = new HashMap<>();
    seen.pods()
        .forEach((uid, found) -> {
          Place.Running running =
              new Place.Running(found.pid(), found.startTicks(), found.inode(), 0);
          Place known = places.get(uid);
          boolean isKnown =
              known != null
                  && known.equals(
                      new Place.Running(
                          running.pid(), running.startTicks(), running.inode(), known.cookie()));
          next.put(uid, isKnown ? known : running);
        });
    if (!next.keySet().containsAll(places.keySet())) {
      keepWhatIsLeft(next);
    }
    places = next;
    hasScanned = true;
    scanBegan = begin;
    scanTook = nanoClock.getAsLong() - begin;
    if (wasWhole && !seen.isWhole()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "processes_not_all_seen limit={0} unreadable={1}; a pod among them is not found",
          ProcessScan.MAX_PROCESSES,
          files.failures());
    }
    wasWhole = seen.isWhole();
  }

  /** A pod that was not seen is there still if its process is, or a mount of its namespace. */
  private void keepWhatIsLeft(Map<PodUid, Place> next) {
    Map<Long, Path> mounted = mounts.byInode();
    places.forEach((uid, place) -> {
      if (place instanceof Place.Running running && running.cookie() != 0 && isAlive(running)) {
        next.putIfAbsent(uid, place);
      }
      Path path = mounted.get(place.inode());
      if (path != null && place.cookie() != 0) {
        next.putIfAbsent(uid, new Place.Mounted(path, place.inode(), place.cookie()));
      }
    });
  }

  private boolean isAlive(Place.Running running) {
    return files
        .birth(running.pid())
        .filter(birth -> birth.startTicks() == running.startTicks())
        .isPresent();
  }

  /** The handle is the process's own if the process is the same before and after the opening. */
  private Optional<FoundNamespace> openRunning(PodUid uid, Place.Running running) {
    Optional<FoundNamespace> found = open(files.namespace(running.pid()));
    if (found.isEmpty()) {
      return found;
    }
    boolean isSame = isAlive(running);
    if (isSame && running.cookie() == 0) {
      isSame = files.cgroup(running.pid()).flatMap(cgroups::podOf).filter(uid::equals).isPresent();
      if (isSame) {
        NetnsHandle netns = found.get().netns();
        long cookie = orClosed(found.get(), netns::cookie);
        places.put(
            uid, new Place.Running(running.pid(), running.startTicks(), netns.inode(), cookie));
      }
    }
    return keptIf(isSame, found.get());
  }

  private Optional<FoundNamespace> openMounted(Place.Mounted mounted) {
    return openIf(mounted.path(), mounted.cookie());
  }

  /** A cookie never comes again; an inode is another namespace's as soon as its own has gone. */
  private Optional<FoundNamespace> openIf(Path path, long cookie) {
    Optional<FoundNamespace> found = open(path);
    return found.flatMap(one -> keptIf(orClosed(one, one.netns()::cookie) == cookie, one));
  }

  private static <T> T orClosed(FoundNamespace found, Supplier<T> question) {
    try {
      return question.get();
    } catch (Throwable e) {
      found.netns().close();
      throw e;
    }
  }

  private static Optional<FoundNamespace> keptIf(boolean isRight, FoundNamespace found) {
    if (!isRight) {
      found.netns().close();
      return Optional.empty();
    }
    return Optional.of(found);
  }

  private Optional<FoundNamespace> open(Path path) {
    try {
      return Optional.of(new FoundNamespace(path, namespaces.open(path), List.of()));
    } catch (LinuxException e) {
      return switch (e.errno()) {
        case ENOENT, ESRCH, EINVAL -> Optional.empty();
        default -> throw e;
      };
    }
  }

  private LinuxException notFound(PodUid uid, boolean hasJustEnded) {
    String hint;
    if (files.denied() > 0 && places.isEmpty()) {
      hint = "no process may be looked at: give the daemon CAP_SYS_PTRACE and the node's --proc";
    } else if (hasJustEnded) {
      hint = "its process has just ended; it is looked for again";
    } else if (!wasWhole) {
      hint = "not every process could be looked at; see processes_not_all_seen in the log";
    } else {
      hint = "none of its processes runs on this node; it is enrolled when one does";
    }
    // ENOENT ends the enrolment, so it must be certain.
    boolean isCertain = wasWhole && !hasJustEnded;
    return new LinuxException(
        "find network namespace",
        isCertain ? Errno.ENOENT : Errno.EAGAIN,
        "pod with UID " + uid,
        hint);
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
