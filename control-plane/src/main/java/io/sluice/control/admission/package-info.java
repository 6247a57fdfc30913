/**
 * Who may join as a node: proofs that a node's daemon shows at its first call.
 *
 * <p>Start reading at {@link io.sluice.control.admission.NodeAttestor}.
 */
@NullMarked
package io.sluice.control.admission;

import org.jspecify.annotations.NullMarked;
