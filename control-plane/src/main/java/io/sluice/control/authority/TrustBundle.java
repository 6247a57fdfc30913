package io.sluice.control.authority;

import io.sluice.mesh.TrustDomain;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * The self-signed certificates that a trust domain goes by at one time.
 *
 * @param generation grows with each change of {@code roots}
 * @param roots at least one; more than one while the root is being changed
 */
public record TrustBundle(TrustDomain trustDomain, long generation, List<X509Certificate> roots) {
  public TrustBundle {
    roots = List.copyOf(roots);
    if (roots.isEmpty()) {
      throw new IllegalArgumentException("a trust bundle without a root trusts nobody");
    }
  }
}
