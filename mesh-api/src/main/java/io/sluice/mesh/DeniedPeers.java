package io.sluice.mesh;

import java.math.BigInteger;
import java.util.Collection;
import java.util.Set;

/**
 * Peers that are refused although their certificates are valid.
 *
 * @param identities every certificate of these accounts of the mesh, in whichever of its trust
 *     domains
 * @param foreign every certificate of these identities of other meshes
 * @param serials these certificates alone, whoever issued them; positive
 */
public record DeniedPeers(
    Set<SpiffeId> identities, Set<SpiffeId> foreign, Set<BigInteger> serials) {
  /** Denies nobody. */
  public static final DeniedPeers NONE = new DeniedPeers(Set.of(), Set.of(), Set.of());

  public DeniedPeers {
    identities = Set.copyOf(identities);
    foreign = Set.copyOf(foreign);
    serials = Set.copyOf(serials);
  }

  /**
   * Whether a peer of this mesh with this identity and leaf serial number is refused.
   *
   * @param mesh every trust domain that the mesh has now: the list may already count one of them to
   *     another mesh, and means this one's account until it is so
   */
  public boolean denies(SpiffeId identity, BigInteger serial, Collection<TrustDomain> mesh) {
    return denies(identity)
        || serials.contains(serial)
        || mesh.stream().anyMatch(domain -> foreign.contains(identity.in(domain)));
  }

  /**
   * Whether an account of this mesh is refused: also by the name that it has, or had, in another
   * domain of the mesh.
   */
  public boolean denies(SpiffeId identity) {
    return identities.stream()
        .anyMatch(denied -> denied.serviceAccountName().equals(identity.serviceAccountName()));
  }

  /**
   * Whether a peer of another mesh is refused: by its whole name, since an account of this mesh
   * with the same namespace and name is somebody else.
   */
  public boolean deniesForeign(SpiffeId identity, BigInteger serial) {
    return foreign.contains(identity)
        || identities.contains(identity) // the list may know of a domain before the trust bundle
        || serials.contains(serial);
  }
}
