package io.sluice.linux.memory;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.NativeHeap;
import io.sluice.linux.syscall.SystemCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Bytes of memory a process uses. */
public final class ProcessMemory {
  private static final long KIBIBYTE = 1024;

  private ProcessMemory() {}

  /** Resident bytes of this process; pages shared with others count in full. */
  public static long residentBytes() {
    return field("self", "status", "VmRSS:");
  }

  /** Resident bytes of a process. @throws LinuxException ESRCH when it has gone */
  public static long residentBytes(long pid) {
    return field(Long.toString(pid), "status", "VmRSS:");
  }

  /** Proportional bytes of this process: a page shared by n processes counts as 1/n. Slower. */
  public static long proportionalBytes() {
    return field("self", "smaps_rollup", "Pss:");
  }

  /** Proportional bytes of a process. @throws LinuxException ESRCH when it has gone */
  public static long proportionalBytes(long pid) {
    return field(Long.toString(pid), "smaps_rollup", "Pss:");
  }

  /**
   * Lifts the limit of locked memory, against which BPF maps count before Linux 5.11. Call once,
   * before the first map. @throws LinuxException EPERM without CAP_SYS_RESOURCE
   */
  public static void unlimitLockedMemory() {
    int rc = SystemCalls.unlimitedLockedMemory();
    if (rc < 0) {
      throw new LinuxException(
          "setrlimit(RLIMIT_MEMLOCK)",
          Errno.of(-rc),
          "this process",
          "needs CAP_SYS_RESOURCE, or a raised limit of the container; only before Linux 5.11");
    }
  }

  /**
   * Gives memory that native libraries have freed back to the kernel. Worth a call after a burst of
   * program loading; a few milliseconds, any thread, does nothing where the C library has no way.
   */
  public static void releaseUnused() {
    NativeHeap.trim();
  }

  static long parse(List<String> lines, String field) {
    return lines.stream()
        .filter(line -> line.startsWith(field))
        .mapToLong(line ->
            KIBIBYTE * Long.parseLong(line.substring(field.length()).replace("kB", "").strip()))
        .findFirst()
        .orElse(0); // kernel threads and zombies have no memory
  }

  private static long field(String process, String file, String field) {
    var path = Path.of("/proc", process, file);
    try {
      return parse(Files.readAllLines(path), field);
    } catch (IOException e) {
      throw new LinuxException(
          "read", Errno.ESRCH, path.toString(), "the process has gone, or belongs to another user");
    }
  }
}
