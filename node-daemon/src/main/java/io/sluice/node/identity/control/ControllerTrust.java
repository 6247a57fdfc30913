package io.sluice.node.identity.control;

import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * By what the controller is believed.
 *
 * @param roots trusted certificates; empty where only a fingerprint is known
 * @param rootFingerprintOrNull SHA-256 of the root that the controller has to send; null where the
 *     roots are known
 * @param trustDomainOrNull the one it has to be of; null before the first admission
 */
public record ControllerTrust(
    List<X509Certificate> roots,
    @Nullable String rootFingerprintOrNull,
    @Nullable TrustDomain trustDomainOrNull) {
  public ControllerTrust {
    roots = List.copyOf(roots);
  }

  /** By roots that this node has. */
  public static ControllerTrust byRoots(
      List<X509Certificate> roots, Optional<TrustDomain> trustDomain) {
    return new ControllerTrust(roots, null, trustDomain.orElse(null));
  }

  /** By a root of which only the SHA-256 is known. */
  public static ControllerTrust byFingerprint(
      String rootFingerprint, Optional<TrustDomain> trustDomain) {
    return new ControllerTrust(List.of(), rootFingerprint, trustDomain.orElse(null));
  }

  /** The domain that the controller has to be of, once one is known. */
  Optional<TrustDomain> trustDomain() {
    return Optional.ofNullable(trustDomainOrNull);
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
