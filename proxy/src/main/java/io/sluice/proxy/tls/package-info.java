/**
 * Mutual TLS between workloads: credentials, the two TLS stacks, and who the peer is.
 *
 * <p>Knows SPIFFE certificates and Netty's TLS handler, nothing of HTTP/2. Issues no certificates.
 * A handshake ends with a proven identity or with one {@link io.sluice.proxy.tls.TlsReason}. Start
 * reading at {@link io.sluice.proxy.tls.TlsIdentity}, then {@code PeerVerifier}.
 */
@NullMarked
package io.sluice.proxy.tls;

import org.jspecify.annotations.NullMarked;
