/**
 * Certificates of clients outside the mesh: puts them into Secrets, renews them and takes them
 * away.
 *
 * <p>Which ones there are to be the compiler says; who signs is the authority's business. Only the
 * controller that holds the Lease writes. Start reading at {@link
 * io.sluice.control.outside.SecretsPublisher}.
 */
@NullMarked
package io.sluice.control.outside;

import org.jspecify.annotations.NullMarked;
