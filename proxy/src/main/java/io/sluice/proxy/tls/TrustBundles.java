package io.sluice.proxy.tls;

import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

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

  /** Whether the root that proved {@code foreigner} still vouches for its domain, another's. */
  boolean stillTrust(VerifiedPeer foreigner) {
    TrustDomain domain = foreigner.identity().trustDomain();
    return !mesh.contains(domain)
        && roots.getOrDefault(domain, List.of()).contains(foreigner.root());
  }
}
