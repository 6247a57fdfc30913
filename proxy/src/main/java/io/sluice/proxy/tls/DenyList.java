package io.sluice.proxy.tls;

import io.sluice.mesh.SpiffeId;
import java.math.BigInteger;

/**
 * Identities and certificates that are refused although they are valid. Asked on event loops for
 * every handshake, and for every live connection when it changes: must not block.
 */
public interface DenyList {
  /** Denies nobody. */
  DenyList NONE = (identity, serial) -> false;

  /** Whether a peer with this identity and leaf serial number is refused. */
  boolean denies(SpiffeId identity, BigInteger serial);

  /** Whether this peer is refused, by any of its names. */
  default boolean denies(VerifiedPeer peer) {
    return denies(peer.identity(), peer.serial())
        || peer.names().stream().anyMatch(name -> denies(name, peer.serial()));
  }
}
