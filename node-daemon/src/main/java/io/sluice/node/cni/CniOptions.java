package io.sluice.node.cni;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an operator chooses about the CNI plugin.
 *
 * @param plugin what becomes of it on this node
 * @param root where the node's own file system is seen
 * @param confDirOrNull directory of network configurations; null to ask the runtime's configuration
 * @param binDirs directories of plugins; empty to ask the runtime's configuration
 * @param systemNamespaces namespaces whose pods are never enrolled and always start
 * @param replacement whether pods start in the place of others while no controller tells of them
 * @param kubeletDirectory the kubelet's, in the node's own file system
 */
public record CniOptions(
    Plugin plugin,
    Path root,
    @Nullable Path confDirOrNull,
    List<Path> binDirs,
    Set<String> systemNamespaces,
    ReplacementMode replacement,
    Path kubeletDirectory) {
  /** Where a kubelet keeps what it knows, if nobody says otherwise. */
  public static final Path DEFAULT_KUBELET_DIRECTORY = Path.of("/var/lib/kubelet");

  /** What a node needs before the mesh can run, in every distribution. */
  public static final Set<String> DEFAULT_SYSTEM_NAMESPACES =
      Set.of("kube-system", "kube-node-lease", "kube-public", "sluice-system");

  /** No plugin: pods are found when they run. */
  public static final CniOptions OFF =
      new CniOptions(
          Plugin.UNTOUCHED,
          Path.of("/"),
          null,
          List.of(),
          DEFAULT_SYSTEM_NAMESPACES,
          ReplacementMode.NEVER,
          DEFAULT_KUBELET_DIRECTORY);

  public CniOptions {
    binDirs = List.copyOf(binDirs);
    systemNamespaces = Set.copyOf(systemNamespaces);
  }

  /** Where this process sees the kubelet's directory. */
  public Path visibleKubeletDirectory() {
    return root.resolve(Path.of("/").relativize(kubeletDirectory));
  }

  /** Directory of network configurations, if the operator named one. */
  public Optional<Path> confDir() {
    return Optional.ofNullable(confDirOrNull);
  }

  /** What becomes of the plugin. */
  public enum Plugin {
    /** It is installed and served. */
    SERVED,
    /** One that an earlier daemon has left is taken out of the chain: nobody would answer it. */
    REMOVED,
    /** Another daemon, or nobody, has to do with it. */
    UNTOUCHED
  }

  /** Whether pods start in the place of others while no controller tells of them. */
  public enum ReplacementMode {
    /** Where the last snapshot knows no pod of another node. */
    AUTO,
    /** Always: for nodes on which a workload's pods are alike. */
    ALWAYS,
    /** Such a pod waits for the controller. */
    NEVER
  }
}
