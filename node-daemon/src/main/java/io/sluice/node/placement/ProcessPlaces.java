package io.sluice.node.placement;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.PodUid;
import io.sluice.node.placement.NodeNamespaces.MountedNamespaces;
import io.sluice.node.placement.PodNamespaces.FoundNamespace;
import io.sluice.node.placement.ProcessFiles.Task;
import io.sluice.node.placement.ProcessScan.Found;
import io.sluice.node.placement.ProcessScan.PodTasks;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Where pods are by their processes, which are the pods' own and may lead astray: a process can
 * make a network for itself. So a pod stays in the namespace where it was found for as long as
 * anything of it is there, one that was made inside a pod is nobody's, and a pod has ended only
 * when nothing of it runs. For one thread.
 *
 * <p>All processes are looked at only when a pod's namespace is not known, and never more often
 * than {@link #SCAN_INTERVAL} or, while a look takes up to 0.1 s, for more than one part in {@value
 * #SCAN_SHARE} of the time.
 */
final class ProcessPlaces {
  private static final System.Logger LOG = System.getLogger(ProcessPlaces.class.getName());

  /** Between two looks for pods that were not found by the one before. */
  static final Duration SCAN_INTERVAL = Duration.ofSeconds(1);

  /** After a look, so many times its duration passes before the next. */
  static final int SCAN_SHARE = 50;

  /**
   * The longest pause all the same: who starts ten thousand processes must not have others wait.
   */
  static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  /** Of one pod in one look, some 30 µs each; a pod that was found is found again without. */
  static final int MAX_NETWORKS = 128;

  /** Far above the pods of a node. Whoever was asked for last stays, for who ends is not told. */
  private static final int MAX_PLACES = 4_096;

  private final NetworkNamespaces namespaces;
  private final ProcessFiles files;
  private final PodCgroups cgroups;
  private final ProcessScan scan;
  private final MountedNamespaces mounts;
  private final NamespaceOpening opening;
  private final LongSupplier nanoClock;
  private final Map<PodUid, Place> places =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<PodUid, Place> eldest) {
          return size() > MAX_PLACES;
        }
      };
  private ProcessScan.Seen seen = new ProcessScan.Seen(Map.of(), true);
  private @Nullable Map<Long, Path> mounted; // as of the last look, once asked for
  private boolean hasScanned;
  private boolean wasWhole = true;
  private long scanBegan;
  private long scanTook;

  /** The namespace of a pod that was opened and checked. */
  private sealed interface Place {
    long inode();

    long cookie();

    /** Something of the pod runs there. */
    record Running(Task task, long startTicks, long inode, long cookie) implements Place {}

    /** Nothing does now, and a bind mount still keeps the namespace for the next one. */
    record Mounted(Path path, long inode, long cookie) implements Place {}
  }

  ProcessPlaces(
      NetworkNamespaces namespaces,
      PlacementSettings settings,
      long hostInode,
      MountedNamespaces mounts,
      LongSupplier nanoClock) {
    this.namespaces = namespaces;
    this.files = new ProcessFiles(settings.proc());
    this.cgroups = new PodCgroups(settings.cgroupRoot());
    this.scan = new ProcessScan(files, cgroups, hostInode);
    this.mounts = mounts;
    this.opening = new NamespaceOpening(namespaces);
    this.nanoClock = nanoClock;
  }

  /**
   * Opens the pod's namespace as it is now; the caller closes it.
   *
   * @throws LinuxException ENOENT when the pod is not on this node or has ended; EAGAIN when that
   *     is not certain
   */
  FoundNamespace open(PodUid uid) {
    Place known = places.get(uid);
    Optional<FoundNamespace> found =
        switch (known) {
          case Place.Running running -> openRunning(running);
          case Place.Mounted mount when !isDue(SCAN_INTERVAL) -> openMounted(mount);
          case Place.Mounted _ -> Optional.empty();
          case null -> openUnknown(uid);
        };
    boolean isLost = found.isEmpty() && known != null;
    if (found.isEmpty() && isDue(known instanceof Place.Running ? Duration.ZERO : SCAN_INTERVAL)) {
      look();
      isLost = false;
      found = known == null ? openUnknown(uid) : openKnown(uid, known);
    } else if (found.isEmpty() && known != null) {
      found = openKnown(uid, known); // another may have had all the looks since
    }
    if (found.isEmpty() && known == null) {
      found = openHost(uid);
    }
    if (found.isPresent()) {
      return found.get();
    }
    throw notFound(uid, isLost);
  }

  private boolean isDue(Duration interval) {
    return !hasScanned
        || nanoClock.getAsLong() - scanBegan
            >= Math.max(
                interval.toNanos(), Math.min(scanTook * SCAN_SHARE, LONGEST_PAUSE.toNanos()));
  }

  private void look() {
    long begin = nanoClock.getAsLong();
    seen = scan.run();
    mounted = null;
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

  private Map<Long, Path> mounted() {
    Map<Long, Path> present = mounted;
    if (present == null) {
      present = mounts.byInode();
      mounted = present;
    }
    return present;
  }

  /**
   * The process by which the pod is known can move like any other. An inode comes again after its
   * namespace has gone, hence the cookie where the pod may have made the next one itself.
   */
  private Optional<FoundNamespace> openRunning(Place.Running known) {
    return opening.open(
        files.namespace(known.task()),
        netns ->
            isAlive(known.task(), known.startTicks())
                && netns.inode() == known.inode()
                && (namespaces.isMadeByNode(netns) || netns.cookie() == known.cookie()));
  }

  private Optional<FoundNamespace> openMounted(Place.Mounted known) {
    return opening.open(known.path(), netns -> netns.cookie() == known.cookie());
  }

  /** After a look: what is left there counts first, then where else the pod can be. */
  private Optional<FoundNamespace> openKnown(PodUid uid, Place known) {
    PodTasks tasks = seen.of(uid);
    if (tasks.in(known.inode()).isEmpty()) {
      boolean _ = scan.addThreads(tasks);
    }
    Optional<FoundNamespace> found =
        tasks
            .in(known.inode())
            .flatMap(one -> openFound(uid, one, netns -> netns.cookie() == known.cookie()));
    if (found.isPresent() || tasks.in(known.inode()).isPresent()) {
      return found; // where it has just ended, the next look tells
    }
    return openRightful(uid, tasks)
        .or(() -> {
          Path path = mounted().get(known.inode());
          if (path == null) {
            return Optional.empty();
          }
          Place.Mounted mount = new Place.Mounted(path, known.inode(), known.cookie());
          places.put(uid, mount);
          return openMounted(mount);
        });
  }

  private Optional<FoundNamespace> openUnknown(PodUid uid) {
    PodTasks tasks = seen.of(uid);
    if (tasks.isUseless()) {
      return Optional.empty();
    }
    Optional<FoundNamespace> found =
        openRightful(uid, tasks)
            .or(() -> scan.addThreads(tasks) ? openRightful(uid, tasks) : Optional.empty());
    if (found.isEmpty()) {
      tasks.noteUseless();
    }
    return found;
  }

  /**
   * The node's own, where a pod that was nowhere else has something: it is told then. Nowhere to
   * stay, for a runtime's helpers are there before the pod's own processes.
   */
  private Optional<FoundNamespace> openHost(PodUid uid) {
    PodTasks tasks = seen.of(uid);
    return tasks.isAlive()
        ? Optional.empty()
        : tasks
            .host()
            .flatMap(host -> opening.open(files.namespace(host.task()), _ -> isPods(uid, host)));
  }

  private boolean isPods(PodUid uid, Found one) {
    return isAlive(one.task(), one.startTicks())
        && files.cgroup(one.task()).flatMap(cgroups::podOf).filter(uid::equals).isPresent();
  }

  /**
   * Where the oldest of the pod is: the sandbox is older than what moves between namespaces that
   * all are the runtime's. One that the runtime keeps mounted comes before one that it does not.
   */
  private Optional<FoundNamespace> openRightful(PodUid uid, PodTasks tasks) {
    List<Found> candidates =
        tasks.networks().stream()
            .sorted(
                Comparator.comparing((Found one) ->
                        tasks.networks().size() > 1 && !mounted().containsKey(one.inode()))
                    .thenComparingLong(Found::startTicks)
                    .thenComparingInt(one -> one.task().tid()))
            .limit(MAX_NETWORKS)
            .toList();
    for (Found candidate : candidates) {
      Optional<FoundNamespace> found = openFound(uid, candidate, this::isRightful);
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  /**
   * A container makes a network only below a user namespace of its own. A pod's whole user
   * namespace is the runtime's, which keeps the network mounted then.
   */
  private boolean isRightful(NetnsHandle netns) {
    if (namespaces.isMadeByNode(netns)) {
      return true;
    }
    Path path = mounted().get(netns.inode());
    return path != null && namespaces.leadsTo(path, netns);
  }

  /** The handle is the task's own if that is the same, and the pod's, after the opening. */
  private Optional<FoundNamespace> openFound(
      PodUid uid, Found one, Predicate<NetnsHandle> isRight) {
    return opening.open(
        files.namespace(one.task()),
        netns -> {
          boolean isKept = isPods(uid, one) && isRight.test(netns);
          if (isKept) {
            places.put(
                uid,
                new Place.Running(one.task(), one.startTicks(), netns.inode(), netns.cookie()));
          }
          return isKept;
        });
  }

  private boolean isAlive(Task task, long startTicks) {
    return files.birth(task).filter(birth -> birth.startTicks() == startTicks).isPresent();
  }

  /**
   * Whether a process of the node, or a thread of a pod, is in that namespace; also where not all
   * could be looked at.
   */
  boolean isHeld(long inode, long cookie) {
    boolean[] isHeld = {false};
    boolean isCut =
        files.forEachProcess(
            ProcessScan.MAX_PROCESSES,
            pid -> isHeld[0] = isHeld[0] || isIn(Task.first(pid), inode, cookie));
    if (isHeld[0] || isCut) {
      return true;
    }
    ProcessScan.Seen now = scan.run();
    for (PodTasks tasks : now.pods().values()) {
      boolean _ = scan.addThreads(tasks);
      if (tasks.isCut()
          || tasks.in(inode).filter(one -> isIn(one.task(), inode, cookie)).isPresent()) {
        return true;
      }
    }
    return !now.isWhole();
  }

  private boolean isIn(Task task, long inode, long cookie) {
    if (!files.namespaceInode(task).equals(OptionalLong.of(inode))) {
      return false;
    }
    Optional<FoundNamespace> found =
        opening.open(files.namespace(task), netns -> netns.cookie() == cookie);
    found.ifPresent(one -> one.netns().close());
    return found.isPresent();
  }

  private LinuxException notFound(PodUid uid, boolean isLost) {
    PodTasks tasks = seen.of(uid);
    String hint;
    if (isLost) {
      hint = "its process has just ended or moved; it is looked for again";
    } else if (tasks.isDenied()) {
      hint = "its processes may not be looked at: give the daemon CAP_SYS_PTRACE";
    } else if (!tasks.networks().isEmpty()) {
      hint = "its processes are in networks that it made for itself, or have just ended";
    } else if (tasks.isAlive()) {
      hint = "its processes have just ended, or have more threads than are looked at";
    } else if (!wasWhole) {
      hint = "not every process could be looked at; see processes_not_all_seen in the log";
    } else {
      hint = "none of its processes runs on this node; it is enrolled when one does";
    }
    // ENOENT ends the enrolment, so it must be certain.
    boolean isCertain = wasWhole && !isLost && !tasks.isAlive();
    if (isCertain) {
      places.remove(uid);
    }
    return new LinuxException(
        "find network namespace",
        isCertain ? Errno.ENOENT : Errno.EAGAIN,
        "pod with UID " + uid,
        hint);
  }
}
