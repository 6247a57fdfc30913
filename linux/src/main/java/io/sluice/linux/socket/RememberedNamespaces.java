package io.sluice.linux.socket;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.syscall.BpfAttempt;
import io.sluice.linux.syscall.BpfCalls;
import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.Scratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * Cookies of network namespaces on kernels without SO_NETNS_COOKIE (before Linux 5.14): a program
 * at the cgroup of this process puts the cookie into the storage of each socket that is made there.
 * The program lives as long as this process, and follows it to another cgroup when a socket is met
 * that remembers nothing. Any thread may ask. Needs Linux 5.9 and the right to load programs.
 */
final class RememberedNamespaces {
  /** Made when it is first needed, which is never on a newer kernel. */
  static final RememberedNamespaces OF_THIS_PROCESS = new RememberedNamespaces();

  private static final int SK_STORAGE = 24;
  private static final int NO_PREALLOCATION = 1;
  private static final int CGROUP_SOCK = 9;
  private static final int CGROUP_INET_SOCK_CREATE = 2;
  private static final String OWN_CGROUP_V2 = "0::/";
  private static final String HINT =
      "the kernel lacks SO_NETNS_COOKIE (Linux 5.14) and what replaces it (Linux 5.9)";

  private final int map;
  private final Set<Long> cgroups = new HashSet<>();

  private RememberedNamespaces() {
    int types = BpfAttempt.intTypes();
    map =
        types < 0
            ? types
            : BpfAttempt.map(SK_STORAGE, Integer.BYTES, Long.BYTES, 0, NO_PREALLOCATION, types);
  }

  /** What the socket remembers. @throws LinuxException ENOENT when it was made too early */
  long cookie(int fd) {
    if (map < 0) {
      throw failure("bpf(MAP_CREATE)", map, fd);
    }
    var scratch = Scratch.current();
    var key = scratch.first(Integer.BYTES);
    var value = scratch.second(Long.BYTES);
    key.buffer().putInt(fd);
    int rc = BpfCalls.lookup(map, key.segment(), value.segment());
    if (rc == -Errno.ENOENT.number()) {
      attach(fd);
    }
    if (rc < 0) {
      throw failure("bpf(MAP_LOOKUP_ELEM)", rc, fd);
    }
    return value.buffer().getLong(0);
  }

  /**
   * Makes sockets remember from now on, in the cgroup that this process has come to. The link stays
   * open: its end would be the end of remembering.
   */
  private synchronized void attach(int fd) {
    Path directory = ownCgroup();
    long id = Cgroups.id(directory);
    if (cgroups.contains(id)) {
      return;
    }
    int program =
        BpfAttempt.load(CGROUP_SOCK, CGROUP_INET_SOCK_CREATE, BpfAttempt.storeNetnsCookie(map));
    if (program < 0) {
      throw failure("bpf(PROG_LOAD)", program, fd);
    }
    int cgroup = FileCalls.open(directory.toString(), FileCalls.O_RDONLY);
    int link = cgroup < 0 ? cgroup : BpfAttempt.link(program, cgroup, CGROUP_INET_SOCK_CREATE);
    FileCalls.close(program);
    if (cgroup >= 0) {
      FileCalls.close(cgroup);
    }
    if (link < 0) {
      throw failure("bpf(LINK_CREATE)", link, fd);
    }
    cgroups.add(id);
  }

  /** The root when the own cgroup cannot be told, as from inside of a cgroup namespace. */
  private static Path ownCgroup() {
    Path root = Cgroups.rootV2();
    try {
      return Files.readAllLines(Path.of("/proc/self/cgroup")).stream()
          .filter(line -> line.startsWith(OWN_CGROUP_V2))
          .map(line -> root.resolve(line.substring(OWN_CGROUP_V2.length())).normalize())
          .filter(directory -> directory.startsWith(root) && Files.isDirectory(directory))
          .findFirst()
          .orElse(root);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read /proc/self/cgroup", e);
    }
  }

  private static LinuxException failure(String operation, int rc, int fd) {
    return new LinuxException(operation, Errno.of(-rc), "socket " + fd, HINT);
  }
}
