package io.sluice.node.placement;

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
  private static final int STATE = 0; // field 3 of stat; the first two are cut off
  private static final int FLAGS = 6; // field 9
  private static final int THREADS = 17; // field 20
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
   * One thread of a process.
   *
   * @param pid of the process
   * @param tid of the thread; the first one's is the process id
   */
  record Task(int pid, int tid) {
    /** The thread that is read where a process is asked about. */
    static Task first(int pid) {
      return new Task(pid, pid);
    }
  }

  /**
   * What is told of a thread, or by its first one of a process.
   *
   * @param startTicks clock ticks from boot to its start; with the id, names one for ever
   * @param isKernelThread whether it runs no program
   * @param threads of its process, the first one also when that has ended
   * @param isZombie whether it has ended itself; others of its process may go on
   */
  record Birth(long startTicks, boolean isKernelThread, long threads, boolean isZombie) {
    /** Whether nothing of the process runs any more. */
    boolean hasEnded() {
      return isZombie && threads <= 1;
    }
  }

  /**
   * Calls for every process id, in the kernel's order, up to a limit.
   *
   * @return whether there were more
   */
  boolean forEachProcess(int limit, IntConsumer consumer) {
    try {
      return forEach(proc, limit, consumer);
    } catch (IOException | DirectoryIteratorException e) {
      throw unlisted(e);
    }
  }

  /** The same for the threads of a process; it has none when it has gone. */
  boolean forEachThread(int pid, int limit, IntConsumer consumer) {
    try {
      return forEach(proc.resolve(pid + "/task"), limit, consumer);
    } catch (IOException e) {
      countUnlessGone(e);
    } catch (DirectoryIteratorException e) {
      countUnlessGone(new IOException(e)); // whose text has that of the cause
    }
    return false;
  }

  private static boolean forEach(Path directory, int limit, IntConsumer consumer)
      throws IOException {
    int seen = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        int id = processId(entry.getFileName().toString());
        if (id > 0) {
          if (++seen > limit) {
            return true;
          }
          consumer.accept(id);
        }
      }
      return false;
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
  Optional<String> cgroup(Task task) {
    return read(file(task, "cgroup"));
  }

  /** Parts of {@code stat}. */
  Optional<Birth> birth(Task task) {
    return read(file(task, "stat"))
        .flatMap(stat -> {
          // The program's name stands in parentheses, and may hold blanks and parentheses.
          String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", -1);
          try {
            return fields.length <= START_TIME
                ? Optional.empty()
                : Optional.of(
                    new Birth(
                        Long.parseLong(fields[START_TIME]),
                        (Long.parseLong(fields[FLAGS]) & PF_KTHREAD) != 0,
                        Long.parseLong(fields[THREADS]),
                        fields[STATE].equals("Z") || fields[STATE].equals("X")));
          } catch (NumberFormatException e) {
            return Optional.empty();
          }
        });
  }

  /**
   * Inode of its network namespace, where it has not ended: the number in {@code net:[4026531840]}.
   */
  OptionalLong namespaceInode(Task task) {
    try {
      String link = Files.readSymbolicLink(namespace(task)).toString();
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
  Path namespace(Task task) {
    return file(task, "ns/net");
  }

  /** The root directory of the node's first process: where the node's own mounts are seen. */
  Path rootOfInit() {
    return file(Task.first(1), "root");
  }

  /** Files that could not be read for lack of a right, so far. */
  int denied() {
    return denied;
  }

  /** Files that could not be read though their process may be there, so far. */
  int failures() {
    return failures;
  }

  private Path file(Task task, String name) {
    String thread = task.tid() == task.pid() ? "" : "task/" + task.tid() + "/";
    return proc.resolve(task.pid() + "/" + thread + name);
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
}
