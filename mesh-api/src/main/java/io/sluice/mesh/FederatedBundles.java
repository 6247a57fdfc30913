package io.sluice.mesh;

import java.security.PublicKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Roots of other meshes, by their trust domains: each vouches for identities of its own domain
 * alone (SPIFFE Trust Domain and Bundle §4), so none is there for two. Immutable; any thread.
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
   * @throws IllegalArgumentException that says what is too much, which certificate is no
   *     authority's, or which two domains have an authority's key in common
   */
  public FederatedBundles {
    if (roots.size() > MOST_DOMAINS) {
      throw new IllegalArgumentException(
          roots.size() + " other trust domains; at most " + MOST_DOMAINS);
    }
    Map<TrustDomain, List<X509Certificate>> copy = new LinkedHashMap<>();
    Map<PublicKey, TrustDomain> authorities = new HashMap<>();
    long bytes = 0;
    for (var entry : roots.entrySet()) {
      List<X509Certificate> certificates = List.copyOf(entry.getValue());
      requireAuthorities(certificates);
      copy.put(entry.getKey(), certificates);
      for (X509Certificate one : certificates) {
        bytes += der(one).length;
        TrustDomain other = authorities.put(one.getPublicKey(), entry.getKey());
        if (other != null && !other.equals(entry.getKey())) {
          throw new IllegalArgumentException(
              "the same authority for "
                  + Stream.of(other.name(), entry.getKey().name())
                      .sorted()
                      .collect(Collectors.joining(" and "))
                  + ", which would be any identity of both: "
                  + one.getSubjectX500Principal().getName());
        }
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

  /** Domains with an authority that has the key of one of {@code own}. */
  public List<TrustDomain> sharing(Collection<X509Certificate> own) {
    Set<PublicKey> keys = keys(own);
    return roots.entrySet().stream()
        .filter(
            entry -> entry.getValue().stream().anyMatch(one -> keys.contains(one.getPublicKey())))
        .map(Map.Entry::getKey)
        .toList();
  }

  /** The same but for authorities with the key of one of {@code own}. */
  public FederatedBundles withoutRoots(Collection<X509Certificate> own) {
    Set<PublicKey> keys = keys(own);
    Map<TrustDomain, List<X509Certificate>> others = new LinkedHashMap<>();
    roots.forEach((domain, certificates) -> {
      List<X509Certificate> left =
          certificates.stream().filter(one -> !keys.contains(one.getPublicKey())).toList();
      if (!left.isEmpty()) {
        others.put(domain, left);
      }
    });
    return new FederatedBundles(others);
  }

  private static Set<PublicKey> keys(Collection<X509Certificate> certificates) {
    return certificates.stream().map(X509Certificate::getPublicKey).collect(Collectors.toSet());
  }

  /** As it goes over the wire. */
  static byte[] der(X509Certificate one) {
    try {
      return one.getEncoded();
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
