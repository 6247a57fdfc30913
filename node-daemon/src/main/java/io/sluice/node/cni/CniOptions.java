package io.sluice.node.cni;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an operator chooses about the CNI plugin.
 *
 * @param enabled whether the plugin is installed and served
 * @param root where the node's own file system is seen
 * @param confDirOrNull directory of network configurations; null to ask the runtime's configuration
 * @param binDirs directories of plugins; empty to ask the runtime's configuration
 * @param systemNamespaces namespaces whose pods are never enrolled and always start
 */
public record CniOptions(
    boolean enabled,
    Path root,
    @Nullable Path confDirOrNull,
    List<Path> binDirs,
    Set<String> systemNamespaces) {
  /** What a node needs before the mesh can run, in every distribution. */
  public static final Set<String> DEFAULT_SYSTEM_NAMESPACES =
      Set.of("kube-system", "kube-node-lease", "kube-public", "sluice-system");

  /** No plugin: pods are found when they run. */
  public static final CniOptions OFF =
      new CniOptions(false, Path.of("/"), null, List.of(), DEFAULT_SYSTEM_NAMESPACES);

  public CniOptions {
    binDirs = List.copyOf(binDirs);
    systemNamespaces = Set.copyOf(systemNamespaces);
  }

  /** Directory of network configurations, if the operator named one. */
  public Optional<Path> confDir() {
    return Optional.ofNullable(confDirOrNull);
  }
}
