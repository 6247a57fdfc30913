package io.sluice.proxy.tls;

import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Root certificates by trust domain: a certificate of one domain is never accepted through the
 * roots of another (SPIFFE Trust Domain and Bundle §4).
 *
 * @param roots at least one certificate per domain
 */
public record TrustBundles(Map<TrustDomain, List<X509Certificate>> roots) {
  public TrustBundles {
    Map<TrustDomain, List<X509Certificate>> copy = new HashMap<>();
    roots.forEach((domain, certificates) -> {
      if (certificates.isEmpty()) {
        throw new IllegalArgumentException("the bundle of trust domain " + domain + " is empty");
      }
      copy.put(domain, List.copyOf(certificates));
    });
    roots = Map.copyOf(copy);
  }

  /** The bundle of one trust domain alone. */
  public static TrustBundles of(TrustDomain domain, X509Certificate... certificates) {
    return new TrustBundles(Map.of(domain, List.of(certificates)));
  }
}
