/**
 * Certificates as a node handles them: reading what came from outside, judging a chain, keys and
 * signing requests.
 *
 * <p>Pure: no file, no network, and time is an argument. Bouncy Castle is loaded by {@link
 * io.sluice.node.identity.x509.SigningRequests} alone, and only when it is called. Start reading at
 * {@link io.sluice.node.identity.x509.TrustRoots}.
 */
@NullMarked
package io.sluice.node.identity.x509;

import org.jspecify.annotations.NullMarked;
