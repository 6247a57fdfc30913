package io.sluice.mesh;

import java.math.BigInteger;
import java.util.Set;

/**
 * Peers that are refused although their certificates are valid.
 *
 * @param identities every certificate of these
 * @param serials these certificates alone; positive
 */
public record DeniedPeers(Set<SpiffeId> identities, Set<BigInteger> serials) {
  /** Denies nobody. */
  public static final DeniedPeers NONE = new DeniedPeers(Set.of(), Set.of());

  public DeniedPeers {
    identities = Set.copyOf(identities);
    serials = Set.copyOf(serials);
  }

  /** Whether a peer with this identity and leaf serial number is refused. */
  public boolean denies(SpiffeId identity, BigInteger serial) {
    return identities.contains(identity) || serials.contains(serial);
  }
}
