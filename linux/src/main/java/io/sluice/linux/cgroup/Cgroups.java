package io.sluice.linux.cgroup;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.FileCalls;
import io.sluice.linux.syscall.SystemCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Cgroups of version 2. Stateless; any thread may call. */
public final class Cgroups {
  private static final Path NODE_INIT = Path.of("/proc/1");
  private static final Path SELF = Path.of("/proc/self");
  private static final long ROOT_ID = 1;

  private Cgroups() {}

  /**
   * The root of the node's v2 hierarchy, wherever it is mounted (hybrid nodes have it beside v1). A
   * program attached lower, or to the root of a container's own cgroup namespace, would miss pods.
   *
   * @throws LinuxException ENOENT when only roots of cgroup namespaces, or none, are mounted
   */
  public static Path rootV2() {
    return Stream.concat(candidates(NODE_INIT), candidates(SELF))
        .filter(Cgroups::isRoot)
        .findFirst()
        .orElseThrow(() ->
            new LinuxException(
                "find cgroup2 root",
                Errno.ENOENT,
                "/proc/1/mountinfo",
                "run the daemon with hostPID, and mount cgroup2 on the node"));
  }

  /** Whether {@code directory} is the root of the node's v2 hierarchy. */
  public static boolean isRoot(Path directory) {
    return Files.isDirectory(directory) && id(directory) == ROOT_ID;
  }

  /**
   * The id of a cgroup, as BPF programs and links show it: the inode of its directory.
   *
   * @throws LinuxException ENOENT when the cgroup has gone
   */
  public static long id(Path cgroup) {
    try (var arena = Arena.ofConfined()) {
      var statx = FileCalls.identityMemory(arena);
      int rc = FileCalls.identify(arena.allocateFrom(cgroup.toString()), statx);
      if (rc < 0) {
        throw new LinuxException("statx", Errno.of(-rc), cgroup.toString(), "the cgroup has gone");
      }
      return FileCalls.identity(statx).inode();
    }
  }

  /** Moves this process, with all its threads. */
  public static void moveSelfTo(Path cgroup) {
    move(0, cgroup);
  }

  /** Moves a process, with all its threads; 0 is this process. */
  public static void move(long pid, Path cgroup) {
    try {
      Files.writeString(cgroup.resolve("cgroup.procs"), Long.toString(pid));
    } catch (IOException e) {
      throw failure(
          "write cgroup.procs",
          cgroup,
          e,
          "the process or the cgroup has gone, or is outside of our cgroup namespace; needs root and"
              + " the process table of the node (hostPID)");
    }
  }

  /** Makes a cgroup; nothing happens when it is there. */
  public static void create(Path cgroup) {
    try {
      Files.createDirectory(cgroup);
    } catch (FileAlreadyExistsException e) {
      return;
    } catch (IOException e) {
      throw failure(
          "mkdir",
          cgroup,
          e,
          "make the parent cgroup first; needs a writable cgroup2 mount, and CAP_DAC_OVERRIDE below"
              + " its root");
    }
  }

  /**
   * Removes a cgroup; nothing happens when it has gone. @throws LinuxException EBUSY while in use
   */
  public static void remove(Path cgroup) {
    try {
      Files.deleteIfExists(cgroup);
    } catch (IOException e) {
      throw failure("rmdir", cgroup, e, "move its processes away and remove its children first");
    }
  }

  /** Paths seen from this process: process 1 may live in another mount namespace. */
  private static Stream<Path> candidates(Path process) {
    return MountTable.mountPoints(lines(process.resolve("mountinfo")), "cgroup2").stream()
        .map(mount ->
            process.equals(NODE_INIT) && !sharesMounts()
                ? process.resolve("root").resolve(Path.of("/").relativize(mount))
                : mount);
  }

  private static boolean sharesMounts() {
    try {
      return Files.readSymbolicLink(NODE_INIT.resolve("ns/mnt"))
          .equals(Files.readSymbolicLink(SELF.resolve("ns/mnt")));
    } catch (IOException e) {
      return false; // without the right to look at process 1: its paths are tried, and fail
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (AccessDeniedException | NoSuchFileException e) {
      return List.of(); // /proc with hidepid: the process's own table is asked next
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static LinuxException failure(String operation, Path cgroup, IOException e, String hint) {
    return new LinuxException(operation, errno(e), cgroup.toString(), hint);
  }

  private static Errno errno(IOException e) {
    return switch (e) {
      case NoSuchFileException gone -> Errno.ENOENT;
      case AccessDeniedException denied -> Errno.EACCES;
      case DirectoryNotEmptyException busy -> Errno.EBUSY;
      case FileSystemException other -> errno(other.getReason());
      default -> errno(e.getMessage());
    };
  }

  /** The JDK keeps only the text of strerror(3). */
  private static Errno errno(@Nullable String text) {
    return Stream.of(Errno.values())
        .filter(errno -> text != null && errno.text().equalsIgnoreCase(text))
        .findFirst()
        .orElse(Errno.UNKNOWN);
  }

  /** Lines of {@code /proc/<pid>/mountinfo}, see proc_pid_mountinfo(5). */
  static final class MountTable {
    private static final int MOUNT_POINT = 4;

    private MountTable() {}

    /** Mount points of a file system type, in the order of the table. */
    static List<Path> mountPoints(List<String> mountInfo, String type) {
      return mountInfo.stream()
          .filter(line -> line.contains(" - " + type + " "))
          .map(line -> Path.of(unescape(line.split(" ")[MOUNT_POINT])))
          .toList();
    }

    /** The kernel writes blanks and backslashes as three octal digits. */
    private static String unescape(String text) {
      return text.replace("\\040", " ")
          .replace("\\011", "\t")
          .replace("\\012", "\n")
          .replace("\\134", "\\");
    }
  }

  /**
   * The node's own cgroup namespace. A container has another one: paths of {@code /proc/PID/cgroup}
   * are relative to it there, and where cgroup2 is mounted with {@code nsdelegate}, as systemd
   * does, nobody inside moves a process to the outside (ENOENT).
   */
  public static final class CgroupNamespace {
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
}
