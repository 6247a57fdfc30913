package io.sluice.cni.install;

import java.nio.file.Path;
import java.util.List;

/**
 * What one runtime's configuration says about CNI.
 *
 * @param confDir the directory of network configurations
 * @param binDirs the directories of plugins
 * @param network the network it is told to use, or empty
 * @param obstacles why nothing may be chained
 * @param notes what an operator should know
 */
record CniSettings(
    Path confDir, List<Path> binDirs, String network, List<String> obstacles, List<String> notes) {
  /** What containerd and CRI-O use when their configuration does not say. */
  static final Path DEFAULT_CONF_DIR = Path.of("/etc/cni/net.d");

  static final Path DEFAULT_BIN_DIR = Path.of("/opt/cni/bin");

  CniSettings {
    binDirs = List.copyOf(binDirs);
    obstacles = List.copyOf(obstacles);
    notes = List.copyOf(notes);
  }
}
