package io.sluice.cni.install;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where a container runtime looks for network configurations and plugins. All paths are those of
 * the node.
 *
 * @param confDir the directory of network configurations
 * @param binDirs the directories in which it looks for plugins, in its order
 * @param otherBinDirs those of other runtimes on this node; they get the plugin as well, so that a
 *     node that changes its runtime finds it
 * @param otherConfDirs other directories in which runtimes of this node look for configurations, or
 *     would if the operator named none; ours may have been left there
 * @param network the name of the network that the runtime is told to use; empty when it uses the
 *     first configuration by file name
 * @param reason why these, and which file says so
 * @param obstacles why the configuration must not be chained here; empty almost always
 * @param notes what an operator should know, though nothing is refused for it
 */
public record RuntimePaths(
    Path confDir,
    List<Path> binDirs,
    List<Path> otherBinDirs,
    List<Path> otherConfDirs,
    String network,
    String reason,
    List<String> obstacles,
    List<String> notes) {
  /**
   * Copies the lists.
   *
   * @throws IllegalArgumentException without a directory of plugins
   */
  public RuntimePaths {
    if (binDirs.isEmpty()) {
      throw new IllegalArgumentException(
          "no directory of CNI plugins is named; name one, such as /opt/cni/bin");
    }
    binDirs = List.copyOf(binDirs);
    otherBinDirs = List.copyOf(otherBinDirs);
    otherConfDirs = otherConfDirs.stream().filter(one -> !one.equals(confDir)).toList();
    obstacles = List.copyOf(obstacles);
    notes = List.copyOf(notes);
  }

  /**
   * Directories that the operator named.
   *
   * @param otherConfDirs where ours may be from before they were named
   */
  public static RuntimePaths named(Path confDir, List<Path> binDirs, List<Path> otherConfDirs) {
    return new RuntimePaths(
        confDir,
        binDirs,
        List.of(),
        otherConfDirs,
        "",
        "both directories were set explicitly",
        List.of(),
        List.of());
  }

  /** Every directory in which our configuration may be, first the one where it belongs. */
  public List<Path> confDirs() {
    return Stream.concat(Stream.of(confDir), otherConfDirs.stream()).toList();
  }

  /** The same with a directory of network configurations that the operator named. */
  public RuntimePaths withConfDir(Path named) {
    return new RuntimePaths(
        named,
        binDirs,
        otherBinDirs,
        confDirs(),
        network,
        reason + "; " + named + " was set explicitly as the directory of configurations",
        obstacles,
        notes);
  }

  /** The same with directories of plugins that the operator named. */
  public RuntimePaths withBinDirs(List<Path> named) {
    return new RuntimePaths(
        confDir,
        named,
        List.of(),
        otherConfDirs,
        network,
        reason + "; " + named + " was set explicitly as the place of plugins",
        obstacles,
        notes);
  }
}
