package io.sluice.linux.cgroup;

import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.SystemCalls;
import java.util.List;

/**
 * The node's own cgroup namespace. A container has another one: paths of {@code /proc/PID/cgroup}
 * are relative to it there, and where cgroup2 is mounted with {@code nsdelegate}, as systemd does,
 * nobody inside moves a process to the outside (ENOENT).
 */
public final class CgroupNamespace {
  /** Process 1, and kthreadd for where a security module hides process 1. */
  private static final List<String> NODES = List.of("/proc/1/ns/cgroup", "/proc/2/ns/cgroup");

  private CgroupNamespace() {}

  /**
   * Moves the calling platform thread into the node's cgroup namespace for good; threads that it
   * starts later are in it too. Nothing changes for a process that is there already, or that does
   * not see the node's processes. Needs CAP_SYS_ADMIN and CAP_SYS_PTRACE.
   *
   * @return whether the thread is where process 1 is now
   */
  public static boolean joinNodes() {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException("a virtual thread would move its carrier: use another one");
    }
    return NODES.stream().anyMatch(CgroupNamespace::join);
  }

  private static boolean join(String path) {
    int fd = FileCalls.open(path, FileCalls.O_RDONLY);
    if (fd < 0) {
      return false;
    }
    try {
      return SystemCalls.setns(fd, SystemCalls.CLONE_NEWCGROUP) >= 0;
    } finally {
      FileCalls.close(fd);
    }
  }
}
