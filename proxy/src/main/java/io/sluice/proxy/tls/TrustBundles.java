package io.sluice.proxy.tls;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Root certificates by trust domain: a certificate of one domain is never accepted through the
 * roots of another (SPIFFE Trust Domain and Bundle §4).
 *
 * @param roots at least one certificate per domain
 * @param mesh those of the domains that are this mesh's: more than one while its trust domain
 *     changes. Identities of one account in them are the same workload
 */
public record TrustBundles(Map<TrustDomain, List<X509Certificate>> roots, Set<TrustDomain> mesh) {
  public TrustBundles {
    Map<TrustDomain, List<X509Certificate>> copy = new HashMap<>();
    roots.forEach((domain, certificates) -> {
      if (certificates.isEmpty()) {
        throw new IllegalArgumentException("the bundle of trust domain " + domain + " is empty");
      }
      copy.put(domain, List.copyOf(certificates));
    });
    roots = Map.copyOf(copy);
    mesh = Set.copyOf(mesh);
  }

  /** The bundle of one mesh, in each of its trust domains. */
  public static TrustBundles of(
      Collection<TrustDomain> domains, List<X509Certificate> certificates) {
    Map<TrustDomain, List<X509Certificate>> roots = new HashMap<>();
    domains.forEach(domain -> roots.put(domain, certificates));
    return new TrustBundles(roots, roots.keySet());
  }

  /** The bundle of one trust domain alone. */
  public static TrustBundles of(TrustDomain domain, X509Certificate... certificates) {
    return of(Set.of(domain), List.of(certificates));
  }

  /**
   * Whether {@code peer}, which was believed when it came, may go on. One of this mesh may until it
   * ends, where its root has gone too; one of another mesh only while its root vouches for its
   * domain.
   */
  boolean stillTrust(VerifiedPeer peer) {
    TrustDomain domain = peer.identity().trustDomain();
    return !peer.isForeign()
        || (!mesh.contains(domain) && roots.getOrDefault(domain, List.of()).contains(peer.root()));
  }

  /** Under which identities a workload of this mesh is known; empty for one of another. */
  Set<SpiffeId> namesInMesh(SpiffeId identity) {
    return mesh.contains(identity.trustDomain())
        ? mesh.stream().map(identity::in).collect(Collectors.toUnmodifiableSet())
        : Set.of();
  }
}
