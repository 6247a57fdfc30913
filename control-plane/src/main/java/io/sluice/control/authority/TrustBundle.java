package io.sluice.control.authority;

import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The self-signed certificates that a mesh goes by at one time.
 *
 * @param trustDomain the one that certificates are issued in
 * @param generation grows with each change of the roots or of a trust domain
 * @param roots at least one; more than one while the root is being changed
 * @param otherDomains the mesh's next or former trust domain, while it changes: below the same
 *     roots, their identities are the mesh's too
 * @param federated roots of other meshes, each for its own trust domain alone; empty while the
 *     registry that says them has not been read
 */
public record TrustBundle(
    TrustDomain trustDomain,
    long generation,
    List<X509Certificate> roots,
    List<TrustDomain> otherDomains,
    Optional<FederatedBundles> federated) {
  public TrustBundle {
    roots = List.copyOf(roots);
    otherDomains = List.copyOf(otherDomains);
    if (roots.isEmpty()) {
      throw new IllegalArgumentException("a trust bundle without a root trusts nobody");
    }
  }

  /** Of a trust domain that does not change, as an authority knows it. */
  public TrustBundle(TrustDomain trustDomain, long generation, List<X509Certificate> roots) {
    this(trustDomain, generation, roots, List.of(), Optional.empty());
  }

  /** Every trust domain of the mesh, first the one that certificates are issued in. */
  public List<TrustDomain> domains() {
    return Stream.concat(Stream.of(trustDomain), otherDomains.stream()).toList();
  }
}
