package io.sluice.cli.node;

import io.sluice.node.cni.CniOptions;
import io.sluice.node.cni.CniOptions.ReplacementMode;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Option;

/** What becomes of a pod that starts while no controller tells of it. */
final class ReplacementArguments {
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
