package io.sluice.proxy.tls;

import io.sluice.mesh.TlsParameters;

/**
 * What the mesh says of mutual TLS now: peers that are refused although their certificates are
 * valid, and what handshakes may agree on. Asked on event loops for every handshake, and for every
 * live connection when who is refused changes: must not block.
 */
public interface TlsPolicy {
  /** Denies nobody, and leaves handshakes as they are by default. */
  TlsPolicy OPEN = peer -> false;

  /** Whether this peer is refused. */
  boolean denies(VerifiedPeer peer);

  /** Of handshakes that begin now. */
  default TlsParameters parameters() {
    return TlsParameters.DEFAULTS;
  }
}
