package io.sluice.node.identity.control;

import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import java.security.cert.X509Certificate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * By what the controller is believed.
 *
 * @param roots trusted certificates; empty where only a fingerprint is known
 * @param rootFingerprintOrNull SHA-256 of the root that the controller has to send; null where the
 *     roots are known
 * @param trustDomains those it may be of; empty before the first admission
 */
public record ControllerTrust(
    List<X509Certificate> roots,
    @Nullable String rootFingerprintOrNull,
    List<TrustDomain> trustDomains) {
  public ControllerTrust {
    roots = List.copyOf(roots);
    trustDomains = List.copyOf(trustDomains);
  }

  /** By roots that this node has. */
  public static ControllerTrust byRoots(
      List<X509Certificate> roots, List<TrustDomain> trustDomains) {
    return new ControllerTrust(roots, null, trustDomains);
  }

  /** By a root of which only the SHA-256 is known. */
  public static ControllerTrust byFingerprint(
      String rootFingerprint, List<TrustDomain> trustDomains) {
    return new ControllerTrust(List.of(), rootFingerprint, trustDomains);
  }

  /** The roots that count for a chain which may bring its own root. */
  List<X509Certificate> rootsFor(List<X509Certificate> chain) {
    return rootFingerprintOrNull == null
        ? roots
        : chain.stream()
            .filter(one -> one.getBasicConstraints() >= 0)
            .filter(one -> Certificates.fingerprint(one).equals(rootFingerprintOrNull))
            .toList();
  }
}
