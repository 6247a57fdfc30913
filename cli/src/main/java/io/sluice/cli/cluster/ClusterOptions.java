package io.sluice.cli.cluster;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The options that say which cluster is meant; without them the one that {@code kubectl} takes.
 * Picocli looks at this class at every start, so it names no class of the Kubernetes client: images
 * of nodes have none.
 */
public final class ClusterOptions {
  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description =
          "How the cluster is reached. Default: KUBECONFIG, else ~/.kube/config, else the pod's"
              + " account.")
  private @Nullable Path kubeconfig;

  @Option(
      names = {"--context", "--kube-context"},
      paramLabel = "NAME",
      description = "The context of that file. Default: its current one.")
  private @Nullable String context;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** Whether an option names the cluster. */
  public boolean isNamed() {
    return kubeconfig != null || context != null;
  }

  /** How that cluster is reached. */
  public ClusterAccess access() {
    return new ClusterAccess(kubeconfig, context, spec.commandLine());
  }
}
