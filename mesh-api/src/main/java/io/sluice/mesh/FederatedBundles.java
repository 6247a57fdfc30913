package io.sluice.mesh;

import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Roots of other meshes, by their trust domains: each vouches for identities of its own domain
 * alone (SPIFFE Trust Domain and Bundle §4). Immutable; any thread.
 *
 * @param roots certificates of authorities, 1 to {@link #MOST_ROOTS} for each of at most {@link
 *     #MOST_DOMAINS} trust domains, and {@link #MOST_BYTES} in all; in the order that was given
 */
public record FederatedBundles(Map<TrustDomain, List<X509Certificate>> roots) {
  /** A mesh that talks to more is better served by one trust domain for all. */
  public static final int MOST_DOMAINS = 16;

  /** As many as a mesh has of its own. */
  public static final int MOST_ROOTS = 8;

  /** Of all certificates in DER: with the mesh's own it fits into one answer to a node. */
  public static final int MOST_BYTES = 128 * 1_024;

  /** Trusts no other mesh. */
  public static final FederatedBundles NONE = new FederatedBundles(Map.of());

  private static final int KEY_CERT_SIGN = 5; // KeyUsage bit, RFC 5280 §4.2.1.3

  /**
   * Checks all of it.
   *
   * @throws IllegalArgumentException that says what is too much, or which certificate is no
   *     authority's
   */
  public FederatedBundles {
    if (roots.size() > MOST_DOMAINS) {
      throw new IllegalArgumentException(
          roots.size() + " other trust domains; at most " + MOST_DOMAINS);
    }
    Map<TrustDomain, List<X509Certificate>> copy = new LinkedHashMap<>();
    long bytes = 0;
    for (var entry : roots.entrySet()) {
      List<X509Certificate> certificates = List.copyOf(entry.getValue());
      requireAuthorities(certificates);
      copy.put(entry.getKey(), certificates);
      for (X509Certificate one : certificates) {
        bytes += encodedLength(one);
      }
    }
    if (bytes > MOST_BYTES) {
      throw new IllegalArgumentException(
          "certificates of " + bytes + " bytes for other trust domains; at most " + MOST_BYTES);
    }
    roots = Collections.unmodifiableMap(copy);
  }

  /**
   * Checks the bundle of one domain.
   *
   * @throws IllegalArgumentException that says how many there are, or which is no authority's
   */
  public static void requireAuthorities(List<X509Certificate> certificates) {
    if (certificates.isEmpty() || certificates.size() > MOST_ROOTS) {
      throw new IllegalArgumentException(
          "a bundle of "
              + certificates.size()
              + " certificates; there have to be 1 to "
              + MOST_ROOTS);
    }
    for (X509Certificate one : certificates) {
      boolean[] usage = one.getKeyUsage();
      if (one.getBasicConstraints() < 0 || (usage != null && !usage[KEY_CERT_SIGN])) {
        throw new IllegalArgumentException(
            "the certificate of " + one.getSubjectX500Principal().getName() + " is no authority's");
      }
    }
  }

  /** Whether identities of that domain can be proven. */
  public boolean includes(TrustDomain domain) {
    return roots.containsKey(domain);
  }

  /** The same but for these domains. */
  public FederatedBundles without(Collection<TrustDomain> domains) {
    Map<TrustDomain, List<X509Certificate>> others = new LinkedHashMap<>(roots);
    others.keySet().removeAll(domains);
    return new FederatedBundles(others);
  }

  private static int encodedLength(X509Certificate one) {
    try {
      return one.getEncoded().length;
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a parsed certificate has an encoding", e);
    }
  }

  /** Domains with the names of their roots. */
  @Override
  public String toString() {
    Map<String, List<String>> names = new TreeMap<>();
    roots.forEach((domain, certificates) ->
        names.put(
            domain.name(),
            certificates.stream().map(one -> one.getSubjectX500Principal().getName()).toList()));
    return names.toString();
  }
}
