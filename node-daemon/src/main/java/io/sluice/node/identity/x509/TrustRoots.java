package io.sluice.node.identity.x509;

import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.proxy.tls.TrustBundles;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The trust bundle that this node goes by.
 *
 * @param trustDomain the one that certificates are issued in
 * @param generation grows with each change of {@code roots}
 * @param roots self-signed certificates of authorities; 1 to {@link #MOST}
 * @param otherDomains the mesh's next or former trust domain, while it changes; at most {@link
 *     #MOST_OTHER_DOMAINS}
 * @param federated roots of other meshes, of none of these domains; empty where the controller does
 *     not know them yet, and those that the node has count
 */
public record TrustRoots(
    TrustDomain trustDomain,
    long generation,
    List<X509Certificate> roots,
    List<TrustDomain> otherDomains,
    Optional<FederatedBundles> federated) {
  /** Two are usual while the root is being changed. */
  public static final int MOST = 8;

  /** A change of the trust domain ends before another begins. */
  public static final int MOST_OTHER_DOMAINS = 1;

  private static final int KEY_CERT_SIGN = 5; // KeyUsage bit, RFC 5280 §4.2.1.3

  public TrustRoots {
    roots = List.copyOf(roots);
    otherDomains = List.copyOf(otherDomains);
    if (roots.isEmpty() || roots.size() > MOST) {
      throw new IllegalArgumentException(roots.size() + " roots; there have to be 1 to " + MOST);
    }
  }

  /** The same, with other meshes' roots of {@code before} where it does not tell its own. */
  public TrustRoots after(TrustRoots before) {
    return federated.isPresent() ? this : with(before.federated);
  }

  /** The same with these roots of other meshes, but for those of a domain that is the mesh's. */
  public TrustRoots with(Optional<FederatedBundles> others) {
    return new TrustRoots(
        trustDomain,
        generation,
        roots,
        otherDomains,
        others.map(bundles -> bundles.without(domains())));
  }

  /**
   * A bundle as somebody sent it.
   *
   * @throws CertificateException when one of the certificates is no self-signed authority, there is
   *     too much of anything, or another mesh has a trust domain of this one
   */
  public static TrustRoots of(
      TrustDomain trustDomain,
      long generation,
      List<X509Certificate> certificates,
      List<TrustDomain> otherDomains,
      Optional<FederatedBundles> federated)
      throws CertificateException {
    if (otherDomains.size() > MOST_OTHER_DOMAINS) {
      throw new CertificateException(
          "a trust bundle of " + otherDomains + " besides " + trustDomain + "; at most one other");
    }
    for (X509Certificate one : certificates) {
      requireRoot(one);
    }
    if (certificates.isEmpty() || certificates.size() > MOST) {
      throw new CertificateException(
          "a trust bundle of " + certificates.size() + " roots; there have to be 1 to " + MOST);
    }
    TrustRoots made =
        new TrustRoots(trustDomain, generation, certificates, otherDomains, federated);
    for (TrustDomain own : made.domains()) {
      if (federated.filter(others -> others.includes(own)).isPresent()) {
        throw new CertificateException(
            "a trust bundle with other roots for " + own + ", which is the mesh's own");
      }
    }
    return made;
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

  /** Every trust domain of the mesh, first the one that certificates are issued in. */
  public List<TrustDomain> domains() {
    return Stream.concat(Stream.of(trustDomain), otherDomains.stream()).toList();
  }

  /** By these alone. */
  public SvidJudge judge() {
    return SvidJudge.of(domains(), roots);
  }

  /** As the data path takes it. */
  public TrustBundles bundles() {
    Map<TrustDomain, List<X509Certificate>> all = new HashMap<>();
    federated.map(FederatedBundles::roots).ifPresent(all::putAll);
    domains().forEach(domain -> all.put(domain, roots));
    return new TrustBundles(all, Set.copyOf(domains()));
  }

  /** Domains, generation and the roots' ids, those of other meshes too. */
  @Override
  public String toString() {
    return domains().stream().map(TrustDomain::name).collect(Collectors.joining(","))
        + " generation="
        + generation
        + " roots="
        + roots.stream().map(Certificates::id).toList()
        + federated
            .filter(others -> !others.roots().isEmpty())
            .map(others -> " federated=" + others)
            .orElse("");
  }
}
