package io.sluice.node.placement;

import io.sluice.mesh.PodUid;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** One look at all processes of the node: which of them stands for which pod. For one thread. */
final class ProcessScan {
  /**
   * Far above what a node of this size runs. One look at so many takes about a second; processes
   * beyond it are not found.
   */
  static final int MAX_PROCESSES = 32_768;

  private final ProcessFiles files;
  private final PodCgroups cgroups;
  private final long hostInode;

  /**
   * {@code hostInode} is that of the node's own network namespace; conmon and other helpers that a
   * runtime puts into a pod's cgroup live there.
   */
  ProcessScan(ProcessFiles files, PodCgroups cgroups, long hostInode) {
    this.files = files;
    this.cgroups = cgroups;
    this.hostInode = hostInode;
  }

  /**
   * The process that stands for a pod.
   *
   * @param pid its id
   * @param startTicks when it started
   * @param inode of its network namespace
   */
  record Found(int pid, long startTicks, long inode) {}

  /**
   * What was seen.
   *
   * @param pods by UID, what stands for each
   * @param isWhole whether every process was looked at; without it, a pod that is missing may run
   */
  record Seen(Map<PodUid, Found> pods, boolean isWhole) {}

  /**
   * Looks once. Of a pod's processes the oldest one outside the node's own namespace stands for it:
   * that is the sandbox's, and a namespace that a container made for itself is younger. Nothing
   * that is found is certain before it was opened and checked.
   */
  Seen run() {
    Map<PodUid, Found> pods = new HashMap<>();
    int failures = files.failures();
    boolean cut = files.forEachProcess(MAX_PROCESSES, pid -> look(pid, pods));
    return new Seen(pods, !cut && files.failures() == failures);
  }

  private void look(int pid, Map<PodUid, Found> pods) {
    // One read for a process of no pod; kernel threads are in no pod's cgroup but for helpers.
    Optional<PodUid> pod = files.cgroup(pid).flatMap(cgroups::podOf);
    if (pod.isEmpty()) {
      return;
    }
    Optional<ProcessFiles.Birth> birth = files.birth(pid).filter(found -> !found.isKernelThread());
    OptionalLong inode = files.namespaceInode(pid);
    if (birth.isPresent() && inode.isPresent()) {
      pods.merge(
          pod.get(),
          new Found(pid, birth.get().startTicks(), inode.getAsLong()),
          this::moreCertain);
    }
  }

  private Found moreCertain(Found one, Found other) {
    boolean oneIsHost = one.inode() == hostInode;
    boolean otherIsHost = other.inode() == hostInode;
    if (oneIsHost != otherIsHost) {
      return oneIsHost ? other : one;
    }
    if (one.startTicks() != other.startTicks()) {
      return one.startTicks() < other.startTicks() ? one : other;
    }
    return one.pid() < other.pid() ? one : other;
  }
}
