/**
 * Who may have which certificate: which node a client certificate proves, which identities its pods
 * have, and the word for every refusal.
 *
 * <p>Knows nothing of the wire but the status codes of gRPC. Start reading at {@link
 * io.sluice.control.issuing.Issuing}.
 */
@NullMarked
package io.sluice.control.issuing;

import org.jspecify.annotations.NullMarked;
