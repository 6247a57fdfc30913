package io.sluice.linux.memory;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.syscall.SystemCalls;
import io.sluice.linux.syscall.SystemCalls.NativeHeap;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/** Bytes of memory a process uses. */
public final class ProcessMemory {
  private static final long KIBIBYTE = 1024;
  private static final String LOCKED = "Max locked memory";

  /** Archives of HotSpot: its ahead-of-time cache, and class data sharing. */
  private static final Pattern PREPARED_CLASSES = Pattern.compile(".*\\.(aot|jsa)");

  private ProcessMemory() {}

  /** Resident bytes of this process; pages shared with others count in full. */
  public static long residentBytes() {
    return field("self", "status", "VmRSS:");
  }

  /** Resident bytes of a process. @throws LinuxException ESRCH when it has gone */
  public static long residentBytes(long pid) {
    return field(Long.toString(pid), "status", "VmRSS:");
  }

  /**
   * Proportional bytes of a process: a page shared by n processes counts as 1/n. Slower.
   *
   * @throws LinuxException ESRCH when it has gone
   */
  public static long proportionalBytes(long pid) {
    return field(Long.toString(pid), "smaps_rollup", "Pss:");
  }

  /**
   * Bytes that this process may lock now (RLIMIT_MEMLOCK); empty when there is no limit. BPF maps
   * and programs count against it before Linux 5.11; libbpf lifts it there, which needs
   * CAP_SYS_RESOURCE.
   */
  public static OptionalLong lockedLimitBytes() {
    try {
      return lockedLimit(Files.readAllLines(Path.of("/proc/self/limits")));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read /proc/self/limits", e);
    }
  }

  /**
   * Gives memory that native libraries have freed back to the kernel. Worth a call after a burst of
   * program loading; a few milliseconds, any thread, does nothing where the C library has no way.
   */
  public static void releaseUnused() {
    NativeHeap.trim();
  }

  /**
   * Takes the pages of prepared classes out of this process that are as they lie in the file: a
   * start looks at all of them, what follows at a third. They stay in the page cache while nobody
   * else wants the memory, and come back when they are touched. Some milliseconds, any thread.
   *
   * @return how many bytes of them were in memory; 0 where the kernel does not tell
   */
  public static long releasePreparedClasses() {
    List<String> smaps;
    try {
      smaps = Files.readAllLines(Path.of("/proc/self/smaps"), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return 0; // a kernel without it
    }
    return Mapping.parse(smaps).stream()
        .filter(mapping -> PREPARED_CLASSES.matcher(mapping.path()).matches())
        .filter(Mapping::isAsInFile)
        .filter(mapping -> SystemCalls.forget(mapping.start(), mapping.bytes()) == 0)
        .mapToLong(Mapping::resident)
        .sum();
  }

  /** Of the columns soft limit, hard limit and unit, the first. */
  static OptionalLong lockedLimit(List<String> limits) {
    String soft =
        limits.stream()
            .filter(line -> line.startsWith(LOCKED))
            .map(line -> line.substring(LOCKED.length()).strip().split(" +")[0])
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("/proc/self/limits has no " + LOCKED));
    return soft.equals("unlimited") ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(soft));
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
