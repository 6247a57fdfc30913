/**
 * Pods that start in the place of others while no controller tells of them: whom the kubelet says
 * they are, and what of their predecessors is theirs.
 *
 * <p>Start reading at {@link io.sluice.node.replacement.Replacements}.
 */
@NullMarked
package io.sluice.node.replacement;

import org.jspecify.annotations.NullMarked;
