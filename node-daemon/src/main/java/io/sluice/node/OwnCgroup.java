package io.sluice.node;

import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.cgroup.Cgroups;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The cgroup by which the kernel recognises the proxy's own sockets. The daemon must not share it
 * with anybody, so it makes one for itself: a mark could be set by an application, a cgroup cannot.
 * Hooks ask for it, and rules where the kernel can.
 */
final class OwnCgroup {
  private OwnCgroup() {}

  /** Moves this process into {@code sluice-<node>} below the root of cgroup2. */
  static Path enter(String nodeName) {
    Path cgroup = of(nodeName);
    Cgroups.create(cgroup);
    Cgroups.moveSelfTo(cgroup);
    return cgroup;
  }

  /** The cgroup that a daemon of that node has left; iptables mode works without cgroup2. */
  static Optional<Path> left(String nodeName) {
    try {
      return Optional.of(of(nodeName)).filter(Files::isDirectory);
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty(); // without the hierarchy there is nothing in it
      }
      throw e;
    }
  }

  /** Where the daemon of that node lives. */
  static Path of(String nodeName) {
    return Cgroups.rootV2().resolve("sluice-" + PinDirectory.directoryName(nodeName));
  }
}
