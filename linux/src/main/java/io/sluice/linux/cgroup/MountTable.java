package io.sluice.linux.cgroup;

import java.nio.file.Path;
import java.util.List;

/** Lines of {@code /proc/<pid>/mountinfo}, see proc_pid_mountinfo(5). */
final class MountTable {
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
