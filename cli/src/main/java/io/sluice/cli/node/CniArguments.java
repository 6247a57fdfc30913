package io.sluice.cli.node;

import io.sluice.node.cni.CniOptions;
import io.sluice.node.cni.CniOptions.Plugin;
import io.sluice.node.cni.CniOptions.ReplacementMode;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Where the CNI plugin belongs on this node; the same words for the daemon and for uninstalling.
 */
final class CniArguments {
  @Option(
      names = "--cni-conf-dir",
      paramLabel = "DIR",
      description = "Network configurations. Default: as the container runtime's own settings say.")
  private @Nullable Path confDir;

  @Option(
      names = "--cni-bin-dir",
      paramLabel = "DIR",
      description =
          "CNI plugins; may be repeated. Default: as the container runtime's own settings say.")
  private List<Path> binDirs = List.of();

  @Option(
      names = "--cni-root",
      paramLabel = "DIR",
      description = "Where the node's file system is seen. Default: ${DEFAULT-VALUE}.",
      defaultValue = "/")
  private Path root = Path.of("/");

  /** Of a command that starts no pod. */
  CniOptions options() {
    return options(Plugin.SERVED, List.of(), new ReplacementArguments());
  }

  /**
   * @param plugin what becomes of it
   * @param moreSystemNamespaces besides those of every cluster
   */
  CniOptions options(
      Plugin plugin, List<String> moreSystemNamespaces, ReplacementArguments replacement) {
    Set<String> system = new LinkedHashSet<>(CniOptions.DEFAULT_SYSTEM_NAMESPACES);
    system.addAll(moreSystemNamespaces);
    return new CniOptions(
        plugin, root, confDir, binDirs, system, replacement.mode(), replacement.kubeletDirectory());
  }

  /** What becomes of a pod that starts while no controller tells of it. */
  static final class ReplacementArguments {
    @Option(
        names = "--replace-without-controller",
        paramLabel = "MODE",
        description =
            "Whether a pod that starts while no controller tells of it takes the place of one of the"
                + " same service account on this node: auto (where the mesh has no other node),"
                + " always or never. Default: ${DEFAULT-VALUE}.",
        defaultValue = "auto")
    private String mode = "auto";

    @Option(
        names = "--kubelet-dir",
        paramLabel = "DIR",
        description = "The kubelet's directory, on the node. Default: ${DEFAULT-VALUE}.",
        defaultValue = "/var/lib/kubelet")
    private Path kubeletDirectory = CniOptions.DEFAULT_KUBELET_DIRECTORY;

    ReplacementMode mode() {
      for (ReplacementMode one : ReplacementMode.values()) {
        if (one.name().toLowerCase(Locale.ROOT).equals(mode)) {
          return one;
        }
      }
      throw new IllegalArgumentException(
          "--replace-without-controller " + mode + " is none of auto, always and never");
    }

    Path kubeletDirectory() {
      if (!kubeletDirectory.isAbsolute()) {
        throw new IllegalArgumentException(
            "--kubelet-dir " + kubeletDirectory + " has to begin with /, as the node sees it");
      }
      return kubeletDirectory;
    }
  }
}
