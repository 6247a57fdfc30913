/**
 * Says of a call what would become of it and why: by the decisions that the data path asks, on a
 * snapshot and what this node knows of itself. Changes nothing, and sends nothing but a probe that
 * was asked for.
 *
 * <p>Start reading at {@link io.sluice.node.why.Why}, then {@code Walk}.
 */
@NullMarked
package io.sluice.node.why;

import org.jspecify.annotations.NullMarked;
