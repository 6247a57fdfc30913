package io.sluice.linux.memory;

import java.util.ArrayList;
import java.util.List;

/**
 * A stretch of addresses of a process, as proc_pid_smaps(5) tells it.
 *
 * @param start its first address
 * @param bytes its length
 * @param permissions four characters: read, write, execute, and {@code p} for private
 * @param path the file, or empty, or a name in brackets
 * @param resident bytes in memory
 * @param own bytes in memory or in swap that are no longer the file's
 */
record Mapping(long start, long bytes, String permissions, String path, long resident, long own) {
  private static final int COLUMNS = 6;
  private static final int PATH = 5;
  private static final int HEXADECIMAL = 16;

  /**
   * Whether every page of it is a file's, as it lies there: what was written to a page of a private
   * mapping is lost when it is forgotten.
   */
  boolean isAsInFile() {
    return permissions.equals("r--p") && path.startsWith("/") && own == 0;
  }

  /** Of the lines of {@code /proc/PID/smaps}. */
  static List<Mapping> parse(List<String> smaps) {
    List<Mapping> mappings = new ArrayList<>();
    int end = smaps.size();
    for (int at = end - 1; at >= 0; at--) {
      if (!isField(smaps.get(at))) {
        mappings.add(parse(smaps.get(at), smaps.subList(at + 1, end)));
        end = at;
      }
    }
    return mappings.reversed();
  }

  private static boolean isField(String line) {
    return line.substring(0, line.indexOf(' ')).endsWith(":");
  }

  private static Mapping parse(String head, List<String> fields) {
    String[] columns = head.split(" +", COLUMNS);
    int dash = head.indexOf('-');
    long start = Long.parseUnsignedLong(head, 0, dash, HEXADECIMAL);
    return new Mapping(
        start,
        Long.parseUnsignedLong(head, dash + 1, head.indexOf(' '), HEXADECIMAL) - start,
        columns[1],
        columns.length > PATH ? columns[PATH].strip() : "",
        ProcessMemory.parse(fields, "Rss:"),
        ProcessMemory.parse(fields, "Anonymous:") + ProcessMemory.parse(fields, "Swap:"));
  }
}
