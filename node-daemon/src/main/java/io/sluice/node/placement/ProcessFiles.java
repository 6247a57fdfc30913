package io.sluice.node.placement;

import io.sluice.mesh.PodUid;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.IntConsumer;

/**
 * Files below one proc file system, see proc(5). A process that has gone, or may not be looked at,
 * reads as absent; one that could not be read for another reason, such as a lack of descriptors,
 * reads as absent and is counted. For one thread.
 */
final class ProcessFiles {
  /** Thirteen hierarchies of version 1 with long paths need 4 KiB; the rest is not read. */
  private static final int MAX_BYTES = 16 * 1_024;

  /** The kernel's own limit of process ids has seven digits. */
  private static final int MAX_DIGITS = 7;

  private static final String LINK_BEGIN = "net:[";
  private static final int FLAGS = 6; // field 9 of stat; the first two are cut off
  private static final int START_TIME = 19; // field 22
  private static final long PF_KTHREAD = 0x0020_0000;

  private final Path proc;
  private final byte[] buffer = new byte[MAX_BYTES];
  private int denied;
  private int failures;

  ProcessFiles(Path proc) {
    this.proc = proc;
  }

  /**
   * What never changes while a process lives.
   *
   * @param startTicks clock ticks from boot to its start; with the process id, names one process
   * @param isKernelThread whether it runs no program
   */
  record Birth(long startTicks, boolean isKernelThread) {}

  /**
   * Calls for every process id, in the kernel's order, up to a limit.
   *
   * @return whether there were more
   */
  boolean forEachProcess(int limit, IntConsumer consumer) {
    int seen = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(proc)) {
      for (Path entry : entries) {
        int pid = processId(entry.getFileName().toString());
        if (pid > 0) {
          if (++seen > limit) {
            return true;
          }
          consumer.accept(pid);
        }
      }
      return false;
    } catch (IOException | DirectoryIteratorException e) {
      throw unlisted(e);
    }
  }

  private UncheckedIOException unlisted(Exception e) {
    return new UncheckedIOException(
        "cannot list " + proc + "; mount the node's /proc there, or correct --proc",
        e instanceof IOException cause ? cause : new IOException(e));
  }

  private static int processId(String name) {
    int pid = 0;
    for (int i = 0; i < name.length(); i++) {
      char digit = name.charAt(i);
      if (digit < '0' || digit > '9' || i == MAX_DIGITS) {
        return 0;
      }
      pid = pid * 10 + digit - '0';
    }
    return pid;
  }

  /** Content of {@code cgroup}. */
  Optional<String> cgroup(int pid) {
    return read(file(pid, "cgroup"));
  }

  /** Parts of {@code stat}. */
  Optional<Birth> birth(int pid) {
    return read(file(pid, "stat"))
        .flatMap(stat -> {
          // The program's name stands in parentheses, and may hold blanks and parentheses.
          String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", -1);
          try {
            return fields.length <= START_TIME
                ? Optional.empty()
                : Optional.of(
                    new Birth(
                        Long.parseLong(fields[START_TIME]),
                        (Long.parseLong(fields[FLAGS]) & PF_KTHREAD) != 0));
          } catch (NumberFormatException e) {
            return Optional.empty();
          }
        });
  }

  /** Inode of its network namespace: the number in {@code net:[4026531840]}. */
  OptionalLong namespaceInode(int pid) {
    try {
      String link = Files.readSymbolicLink(namespace(pid)).toString();
      return link.startsWith(LINK_BEGIN) && link.endsWith("]")
          ? OptionalLong.of(Long.parseLong(link, LINK_BEGIN.length(), link.length() - 1, 10))
          : OptionalLong.empty();
    } catch (AccessDeniedException e) {
      denied++;
      return OptionalLong.empty();
    } catch (IOException e) {
      countUnlessGone(e);
      return OptionalLong.empty();
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  private void countUnlessGone(IOException e) {
    // It has ended: ENOENT before the open, ESRCH after. The JDK keeps only the text of the latter.
    boolean hasGone =
        e instanceof NoSuchFileException
            || String.valueOf(e.getMessage()).contains("No such process")
            || e instanceof FileSystemException other
                && "No such process".equals(other.getReason());
    if (!hasGone) {
      failures++;
    }
  }

  /** The file by which its network namespace is opened. */
  Path namespace(int pid) {
    return file(pid, "ns/net");
  }

  /** The root directory of the node's first process: where the node's own mounts are seen. */
  Path rootOfInit() {
    return file(1, "root");
  }

  /** Files that could not be read for lack of a right, so far. */
  int denied() {
    return denied;
  }

  /** Files that could not be read though their process may be there, so far. */
  int failures() {
    return failures;
  }

  private Path file(int pid, String name) {
    return proc.resolve(pid + "/" + name);
  }

  private Optional<String> read(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      int length = in.readNBytes(buffer, 0, buffer.length);
      return Optional.of(new String(buffer, 0, length, StandardCharsets.ISO_8859_1));
    } catch (AccessDeniedException e) {
      denied++;
      return Optional.empty();
    } catch (IOException e) {
      countUnlessGone(e);
      return Optional.empty();
    }
  }

  /**
   * One look at all processes of the node: which of them stands for which pod. For one thread.
   *
   * <p>{@code hostInode} is that of the node's own network namespace; conmon and other helpers that
   * a runtime puts into a pod's cgroup live there.
   */
  record ProcessScan(ProcessFiles files, PodCgroups cgroups, long hostInode) {
    /**
     * Far above what a node of this size runs. One look at so many takes about a second; processes
     * beyond it are not found.
     */
    static final int MAX_PROCESSES = 32_768;

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
     * Looks once. Of a pod's processes the oldest one outside the node's own namespace stands for
     * it: that is the sandbox's, and a namespace that a container made for itself is younger.
     * Nothing that is found is certain before it was opened and checked.
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
      Optional<ProcessFiles.Birth> birth =
          files.birth(pid).filter(found -> !found.isKernelThread());
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
}
