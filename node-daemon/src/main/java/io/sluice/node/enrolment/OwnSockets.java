package io.sluice.node.enrolment;

import io.sluice.linux.diag.InetSocket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Tells this process' sockets from those of a pod: by cgroup, as the hooks do, and by descriptor
 * where the kernel does not tell a socket's cgroup. Good for one look, since descriptors change.
 */
final class OwnSockets implements Predicate<InetSocket> {
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final String SOCKET = "socket:[";

  private final long cgroupId;
  private @Nullable Set<Long> inodes;

  /** {@code cgroupId} is this process' cgroup2 directory. */
  OwnSockets(long cgroupId) {
    this.cgroupId = cgroupId;
  }

  @Override
  public boolean test(InetSocket socket) {
    if (socket.cgroupId() == cgroupId) {
      return true;
    }
    if (socket.inode() == 0) {
      // Waits to be accepted. A kernel that does not say by whom leaves only the safe answer.
      return socket.cgroupId() == 0;
    }
    if (inodes == null) {
      inodes = inodes();
    }
    return inodes.contains(socket.inode());
  }

  private static Set<Long> inodes() {
    Set<Long> found = new HashSet<>();
    try (Stream<Path> descriptors = Files.list(DESCRIPTORS)) {
      for (Path descriptor : (Iterable<Path>) descriptors::iterator) {
        String target = target(descriptor);
        if (target.startsWith(SOCKET)) {
          found.add(Long.parseLong(target.substring(SOCKET.length(), target.length() - 1)));
        }
      }
      return found;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + DESCRIPTORS, e);
    }
  }

  private static String target(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString();
    } catch (IOException e) {
      return ""; // closed meanwhile
    }
  }
}
