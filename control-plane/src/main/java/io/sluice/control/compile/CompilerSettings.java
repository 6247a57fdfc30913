package io.sluice.control.compile;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an operator says of whom to believe in a set of objects.
 *
 * @param meshConfigNamespaceOrNull the only namespace whose MeshConfig counts; null where every one
 *     does: in a folder, which one hand writes
 * @param podRanges whether Pods have to have addresses of their Node's ranges
 * @param staticPodNamespaces where a cluster's Pod without a service account has the default one.
 *     Whoever has a node can make such a Pod, so it may be anybody who may call itself that
 * @param onlyNodeOrNull where Pods run that say of no node that they do; null where there are
 *     several nodes, and such a Pod may be on any
 * @param validateTrafficTarget whether a TrafficTarget has to be in the namespace of its
 *     destination; else whoever may write one anywhere grants access everywhere
 */
public record CompilerSettings(
    @Nullable String meshConfigNamespaceOrNull,
    PodRangeRule podRanges,
    Set<String> staticPodNamespaces,
    @Nullable String onlyNodeOrNull,
    boolean validateTrafficTarget) {
  /** For a folder, and for what nobody said anything of. */
  public static final CompilerSettings USUAL = new CompilerSettings(null, PodRangeRule.AUTO);

  public CompilerSettings {
    staticPodNamespaces = Set.copyOf(staticPodNamespaces);
  }

  /** The same, where no static pod has an identity. */
  public CompilerSettings(@Nullable String meshConfigNamespaceOrNull, PodRangeRule podRanges) {
    this(meshConfigNamespaceOrNull, podRanges, Set.of(), null, true);
  }

  /** These, for a mesh of one node. */
  public CompilerSettings ofNode(String node) {
    return new CompilerSettings(
        meshConfigNamespaceOrNull, podRanges, staticPodNamespaces, node, validateTrafficTarget);
  }

  /** These, with {@code namespace} where they name none. */
  public CompilerSettings orNamespace(String namespace) {
    return meshConfigNamespaceOrNull == null
        ? new CompilerSettings(
            namespace, podRanges, staticPodNamespaces, onlyNodeOrNull, validateTrafficTarget)
        : this;
  }
}
