package io.sluice.mesh;

import java.math.BigInteger;
import java.util.Set;

/**
 * Peers that are refused although their certificates are valid.
 *
 * @param identities every certificate of these accounts, in whichever trust domain of the mesh
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
    return denies(identity) || serials.contains(serial);
  }

  /** Whether an account is refused: also by the name that it has, or had, in another domain. */
  public boolean denies(SpiffeId identity) {
    return identities.stream()
        .anyMatch(denied -> denied.serviceAccountName().equals(identity.serviceAccountName()));
  }
}
