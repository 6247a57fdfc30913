/**
 * Which node is asking: tokens by which a node proves its name before it has a certificate.
 *
 * <p>Decides nothing about what an admitted node may have. Start reading at {@link
 * io.sluice.control.admission.NodeAttestor}.
 */
@NullMarked
package io.sluice.control.admission;

import org.jspecify.annotations.NullMarked;
