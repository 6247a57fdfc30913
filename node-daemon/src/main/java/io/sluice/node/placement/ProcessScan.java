package io.sluice.node.placement;

import io.sluice.mesh.PodUid;
import io.sluice.node.placement.ProcessFiles.Task;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * One look at all processes of the node: in which network namespaces those of each pod are. For one
 * thread.
 *
 * <p>{@code hostInode} is that of the node's own network namespace; conmon and other helpers that a
 * runtime puts into a pod's cgroup live there.
 */
record ProcessScan(ProcessFiles files, PodCgroups cgroups, long hostInode) {
  /**
   * Far above what a node of this size runs. One look at so many takes about a second; processes
   * beyond it are not found.
   */
  static final int MAX_PROCESSES = 32_768;

  /** Threads of one pod that are looked at where its processes do not tell; some 5 µs each. */
  static final int MAX_THREADS = 4_096;

  /**
   * The oldest in a namespace of those of a pod.
   *
   * @param task what it is known by
   * @param startTicks when it started
   * @param inode of its network namespace
   */
  record Found(Task task, long startTicks, long inode) {
    private Found older(Found other) {
      if (startTicks != other.startTicks) {
        return startTicks < other.startTicks ? this : other;
      }
      return task.tid() < other.task.tid() ? this : other;
    }
  }

  /**
   * What was seen.
   *
   * @param pods by UID, what runs of each
   * @param isWhole whether every process was looked at; without it, a pod that is missing may run
   */
  record Seen(Map<PodUid, PodTasks> pods, boolean isWhole) {
    PodTasks of(PodUid uid) {
      return pods.getOrDefault(uid, new PodTasks());
    }
  }

  /**
   * Looks once, at the first thread of every process. Nothing that is found is certain before it
   * was opened and checked.
   */
  Seen run() {
    Map<PodUid, PodTasks> pods = new HashMap<>();
    int failures = files.failures();
    boolean cut =
        files.forEachProcess(
            MAX_PROCESSES,
            pid -> {
              // One read for a process of no pod.
              Optional<PodUid> pod = files.cgroup(Task.first(pid)).flatMap(cgroups::podOf);
              if (pod.isPresent()) {
                look(pid, pods.computeIfAbsent(pod.get(), _ -> new PodTasks()));
              }
            });
    return new Seen(pods, !cut && files.failures() == failures);
  }

  private void look(int pid, PodTasks pod) {
    Task first = Task.first(pid);
    Optional<ProcessFiles.Birth> birth = files.birth(first);
    // Kernel threads are in no pod's cgroup but for helpers; whoever has ended is nowhere.
    if (birth.isEmpty() || birth.get().isKernelThread() || birth.get().hasEnded()) {
      return;
    }
    if (birth.get().threads() > 1) {
      pod.threaded.add(pid);
    }
    int denied = files.denied();
    OptionalLong inode = files.namespaceInode(first);
    if (inode.isPresent()) {
      pod.add(new Found(first, birth.get().startTicks(), inode.getAsLong()), hostInode);
    } else {
      pod.hasUnread = true; // its first thread has ended, or it may not be looked at
      pod.isDenied |= files.denied() > denied;
    }
  }

  /**
   * Looks at the further threads of a pod's processes, which may be elsewhere than the first or
   * outlive it; once for each look.
   *
   * @return whether there is more than before
   */
  boolean addThreads(PodTasks pod) {
    int before = pod.networks.size();
    int left = MAX_THREADS;
    for (int pid : pod.threaded) {
      List<Task> tasks = new ArrayList<>();
      if (files.forEachThread(pid, left, tid -> tasks.add(new Task(pid, tid)))) {
        pod.isCut = true;
      }
      left -= tasks.size();
      for (Task task : tasks) {
        OptionalLong inode = files.namespaceInode(task);
        Optional<ProcessFiles.Birth> birth =
            inode.isPresent() && pod.isNew(inode.getAsLong(), hostInode)
                ? files.birth(task)
                : Optional.empty();
        birth.ifPresent(
            one -> pod.add(new Found(task, one.startTicks(), inode.getAsLong()), hostInode));
      }
    }
    pod.threaded.clear();
    return pod.networks.size() > before;
  }

  /** Of one pod, as of one look. */
  static final class PodTasks {
    private final Map<Long, Found> networks = new HashMap<>();
    private final List<Integer> threaded = new ArrayList<>();
    private @Nullable Found host;
    private boolean hasUnread;
    private boolean isDenied;
    private boolean isCut;
    private boolean isUseless;

    private void add(Found found, long hostInode) {
      if (found.inode() == hostInode) {
        host = host == null ? found : host.older(found);
      } else {
        networks.merge(found.inode(), found, Found::older);
      }
    }

    private boolean isNew(long inode, long hostInode) {
      return inode != hostInode && !networks.containsKey(inode);
    }

    /** Outside the node's own namespace: the oldest of each. */
    Collection<Found> networks() {
      return networks.values();
    }

    /** In a namespace. */
    Optional<Found> in(long inode) {
      return Optional.ofNullable(networks.get(inode));
    }

    /** In the node's own namespace. */
    Optional<Found> host() {
      return Optional.ofNullable(host);
    }

    /** Whether something of the pod's own runs, wherever it is. */
    boolean isAlive() {
      return hasUnread || !networks.isEmpty();
    }

    /** Whether it has more threads than were looked at. */
    boolean isCut() {
      return isCut;
    }

    /** Whether a process may not be looked at. */
    boolean isDenied() {
      return isDenied;
    }

    /** Whether none of its networks is the pod's; what was tried in vain is not tried again. */
    boolean isUseless() {
      return isUseless;
    }

    void noteUseless() {
      isUseless = true;
    }
  }
}
