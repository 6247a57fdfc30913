package io.sluice.node.placement;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Namespaces that a runtime keeps by a bind mount, with or without a process: containerd and CRI-O
 * do so below {@code /run/netns}, Docker below {@code /run/docker/netns}.
 */
final class MountedNamespaces {
  private static final int MAX_ENTRIES = 4_096;
  private static final List<String> PLACES = List.of("run/netns", "run/docker/netns");

  private final List<Path> roots;

  /** Looks below each root for the usual places. */
  MountedNamespaces(List<Path> roots) {
    this.roots = List.copyOf(roots);
  }

  /**
   * Paths by the inode of what is there. Whether that is a namespace shows when it is opened; a
   * root that may not be looked at counts as empty.
   */
  Map<Long, Path> byInode() {
    Map<Long, Path> found = new HashMap<>();
    for (Path root : roots) {
      for (String place : PLACES) {
        collect(root.resolve(place), found);
      }
    }
    return found;
  }

  private static void collect(Path directory, Map<Long, Path> found) {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        if (found.size() >= MAX_ENTRIES) {
          return;
        }
        try {
          found.putIfAbsent((Long) Files.getAttribute(entry, "unix:ino"), entry);
        } catch (IOException e) {
          // Unmounted since it was listed.
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // Another runtime, or no right to look there.
    }
  }
}
