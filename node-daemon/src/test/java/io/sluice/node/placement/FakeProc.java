package io.sluice.node.placement;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** A directory that looks like /proc, as far as placement reads it. */
final class FakeProc {
  static final long HOST_INODE = 7;

  private final Path root;

  FakeProc(Path root) {
    this.root = root;
  }

  Path root() {
    return root;
  }

  /** A process in a cgroup of version 2, or with the whole content of its cgroup file. */
  void process(int pid, String cgroup, long startTicks, long inode) {
    directory(pid);
    cgroup(pid, cgroup);
    stat(pid, "sleep", 0x0040_0000, startTicks);
    namespace(pid, inode);
  }

  void cgroup(int pid, String cgroup) {
    write(pid, "cgroup", cgroup.startsWith("/") ? "0::" + cgroup + "\n" : cgroup);
  }

  /** A process whose first thread has ended, and another one that goes on. */
  void headless(int pid, int tid, String cgroup, long startTicks, long inode) {
    directory(pid);
    cgroup(pid, cgroup);
    stat(pid, "sleep", 'Z', 2, 0x0040_0000, startTicks);
    FakeProc tasks = new FakeProc(directory(pid).resolve("task"));
    tasks.ended(pid, 2, startTicks);
    tasks.process(tid, cgroup, startTicks, inode);
  }

  /** A process that nobody waits for, or a first thread of several. */
  void ended(int pid, int threads, long startTicks) {
    stat(pid, "sleep", 'Z', threads, 0x0040_0000, startTicks);
  }

  void stat(int pid, String name, long flags, long startTicks) {
    stat(pid, name, 'S', 1, flags, startTicks);
  }

  private void stat(int pid, String name, char state, int threads, long flags, long startTicks) {
    write(
        pid,
        "stat",
        "%d (%s) %c 1 1 1 0 -1 %d 1 0 0 0 0 0 0 0 20 0 %d 0 %d 4096 1\n"
            .formatted(pid, name, state, flags, threads, startTicks));
  }

  /**
   * The link has the kernel's text. It leads to this process's own namespace, which can be opened
   * without any right; {@link #HOST_INODE} and others only differ by their text.
   */
  void namespace(int pid, long inode) {
    try {
      Path directory = Files.createDirectories(directory(pid).resolve("ns"));
      Path link = directory.resolve("net");
      Path target = Path.of("net:[" + inode + "]");
      Files.deleteIfExists(link);
      Files.createSymbolicLink(link, target);
      if (!Files.exists(directory.resolve(target))) {
        Files.createSymbolicLink(directory.resolve(target), Path.of("/proc/self/ns/net"));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void write(int pid, String file, String content) {
    try {
      Files.writeString(directory(pid).resolve(file), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path directory(int pid) {
    try {
      return Files.createDirectories(root.resolve(Integer.toString(pid)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void end(int pid) {
    try (Stream<Path> walk = Files.walk(root.resolve(Integer.toString(pid)))) {
      for (Path entry : walk.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(entry);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
