package io.sluice.proxy.tls;

/**
 * Identities and certificates that are refused although they are valid. Asked on event loops for
 * every handshake, and for every live connection when it changes: must not block.
 */
public interface DenyList {
  /** Denies nobody. */
  DenyList NONE = peer -> false;

  /** Whether this peer is refused. */
  boolean denies(VerifiedPeer peer);
}
