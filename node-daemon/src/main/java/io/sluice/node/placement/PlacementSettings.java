package io.sluice.node.placement;

import java.nio.file.Path;

/**
 * Where the node's processes are seen.
 *
 * @param proc the node's proc file system, as mounted here
 * @param cgroupRoot cgroup that all pods are below, as {@code /proc/PID/cgroup} shows it: absolute;
 *     {@code /} takes pods wherever they are
 */
public record PlacementSettings(Path proc, String cgroupRoot) {
  /** The process's own {@code /proc}, and pods anywhere. */
  public static final PlacementSettings DEFAULTS = new PlacementSettings(Path.of("/proc"), "/");

  public PlacementSettings {
    if (!proc.isAbsolute()) {
      throw new IllegalArgumentException("--proc '" + proc + "' is not an absolute path");
    }
    if (!cgroupRoot.startsWith("/") || (cgroupRoot.length() > 1 && cgroupRoot.endsWith("/"))) {
      throw new IllegalArgumentException(
          "--cgroup-root '" + cgroupRoot + "' is not an absolute path without a slash at its end");
    }
  }
}
