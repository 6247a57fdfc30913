package io.sluice.node.identity.x509;

import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.proxy.tls.TrustBundles;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;

/**
 * The trust bundle that this node goes by.
 *
 * @param generation grows with each change of {@code roots}
 * @param roots self-signed certificates of authorities; 1 to {@link #MOST}
 */
public record TrustRoots(TrustDomain trustDomain, long generation, List<X509Certificate> roots) {
  /** Two are usual while the root is being changed. */
  public static final int MOST = 8;

  private static final int KEY_CERT_SIGN = 5; // KeyUsage bit, RFC 5280 §4.2.1.3

  public TrustRoots {
    roots = List.copyOf(roots);
    if (roots.isEmpty() || roots.size() > MOST) {
      throw new IllegalArgumentException(roots.size() + " roots; there have to be 1 to " + MOST);
    }
  }

  /**
   * A bundle as somebody sent it.
   *
   * @throws CertificateException when one of the certificates is no self-signed authority
   */
  public static TrustRoots of(
      TrustDomain trustDomain, long generation, List<X509Certificate> certificates)
      throws CertificateException {
    for (X509Certificate one : certificates) {
      requireRoot(one);
    }
    if (certificates.isEmpty() || certificates.size() > MOST) {
      throw new CertificateException(
          "a trust bundle of " + certificates.size() + " roots; there have to be 1 to " + MOST);
    }
    return new TrustRoots(trustDomain, generation, certificates);
  }

  private static void requireRoot(X509Certificate one) throws CertificateException {
    boolean[] usage = one.getKeyUsage();
    if (one.getBasicConstraints() < 0 || (usage != null && !usage[KEY_CERT_SIGN])) {
      throw new CertificateException(
          "certificate " + Certificates.id(one) + " in the trust bundle is no authority's");
    }
    try {
      one.verify(one.getPublicKey());
    } catch (GeneralSecurityException e) {
      throw new CertificateException(
          "certificate " + Certificates.id(one) + " in the trust bundle is not self-signed", e);
    }
  }

  /** Whether a root of this bundle is also one of {@code others}. */
  public boolean shares(List<X509Certificate> others) {
    return roots.stream().anyMatch(others::contains);
  }

  /** By these alone. */
  public SvidJudge judge() {
    return SvidJudge.of(trustDomain, roots);
  }

  /** As the data path takes it. */
  public TrustBundles bundles() {
    return new TrustBundles(Map.of(trustDomain, roots));
  }

  /** Domain, generation and the roots' ids. */
  @Override
  public String toString() {
    return trustDomain
        + " generation="
        + generation
        + " roots="
        + roots.stream().map(Certificates::id).toList();
  }
}
