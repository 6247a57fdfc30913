package io.sluice.control.compile;

import org.jspecify.annotations.Nullable;

/**
 * What an operator says of whom to believe in a set of objects.
 *
 * @param meshConfigNamespaceOrNull the only namespace whose MeshConfig counts; null where every one
 *     does: in a folder, which one hand writes
 * @param podRanges whether Pods have to have addresses of their Node's ranges
 */
public record CompilerSettings(@Nullable String meshConfigNamespaceOrNull, PodRangeRule podRanges) {
  /** For a folder, and for what nobody said anything of. */
  public static final CompilerSettings USUAL = new CompilerSettings(null, PodRangeRule.AUTO);

  /** These, with {@code namespace} where they name none. */
  public CompilerSettings orNamespace(String namespace) {
    return meshConfigNamespaceOrNull == null ? new CompilerSettings(namespace, podRanges) : this;
  }
}
