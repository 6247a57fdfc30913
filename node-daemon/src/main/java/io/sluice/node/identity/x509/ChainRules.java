package io.sluice.node.identity.x509;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SvidLeaf;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.PKIXCertPathValidatorResult;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Whether a chain proves an identity (SPIFFE X.509-SVID §5, RFC 5280 §6). Any thread. */
public final class ChainRules {
  /** How far this node's clock may be off when validity is judged. */
  public static final Duration CLOCK_SKEW = Duration.ofMinutes(1);

  /** For chains that were judged when they came: only their end counts now. */
  public static final Duration ANY_BEGIN = Duration.ofDays(36_525);

  /** Key purposes (RFC 5280 §4.2.1.12). */
  public static final Set<String> SERVER = Set.of("1.3.6.1.5.5.7.3.1");

  /** A workload is both ends. */
  public static final Set<String> SERVER_AND_CLIENT =
      Set.of("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2");

  /** Most certificates of a chain, without the root. */
  public static final int LONGEST_CHAIN = 6;

  /**
   * What a chain has proven.
   *
   * @param root the trusted certificate that it leads to
   */
  public record Proven(SpiffeId identity, X509Certificate root) {}

  private ChainRules() {}

  /**
   * The identity that {@code chain} proves by {@code roots}.
   *
   * @param chain leaf first; trusted roots in it are passed over
   * @param purposes what the leaf's key has to be for, where its certificate limits that
   * @param early how long before the begin of its validity a certificate is taken
   * @throws CertificateNotYetValidException or {@link CertificateExpiredException} by {@code now}
   * @throws CertificateException for every other broken rule, which the message names
   */
  public static Proven prove(
      List<X509Certificate> chain,
      Collection<X509Certificate> roots,
      Set<String> purposes,
      Instant now,
      Duration early)
      throws CertificateException {
    List<X509Certificate> path = chain.stream().filter(one -> !roots.contains(one)).toList();
    if (path.isEmpty() || path.size() > LONGEST_CHAIN) {
      throw new CertificateException(
          "a chain of " + path.size() + " certificates; there have to be 1 to " + LONGEST_CHAIN);
    }
    SpiffeId identity = identity(path.getFirst());
    requirePurposes(path.getFirst(), identity, purposes);
    Instant judgedAt = requireValidity(path, identity, now, early);
    return new Proven(identity, requirePath(path, roots, identity, judgedAt));
  }

  /** Last instant at which the whole chain is valid. */
  public static Instant end(List<X509Certificate> chain) {
    return chain.stream()
        .map(one -> one.getNotAfter().toInstant())
        .min(Instant::compareTo)
        .orElseThrow();
  }

  /** The one of {@code roots} that issued the last certificate of {@code chain}. */
  public static Optional<X509Certificate> root(
      List<X509Certificate> chain, Collection<X509Certificate> roots) {
    return roots.stream().filter(root -> isIssued(chain.getLast(), root)).findFirst();
  }

  private static boolean isIssued(X509Certificate certificate, X509Certificate issuer) {
    if (!certificate.getIssuerX500Principal().equals(issuer.getSubjectX500Principal())) {
      return false;
    }
    try {
      certificate.verify(issuer.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false; // another authority of the same name
    }
  }

  private static SpiffeId identity(X509Certificate leaf) throws CertificateException {
    return switch (SvidLeaf.of(leaf)) {
      case SvidLeaf.Proper(String uri) -> parsed(uri);
      case SvidLeaf.UnreadableNames(var cause) -> throw cause;
      case SvidLeaf.NotOneUri(int uris) ->
          throw new CertificateException("a leaf with " + uris + " URI names instead of one");
      case SvidLeaf.Authority(String uri) ->
          throw new CertificateException("the leaf of " + uri + " is an authority's");
      case SvidLeaf.CannotSignHandshakes(String uri) ->
          throw new CertificateException("the key of " + uri + " may not sign handshakes");
      case SvidLeaf.SignsCertificates(String uri) ->
          throw new CertificateException("the key of " + uri + " may sign certificates or CRLs");
    };
  }

  private static SpiffeId parsed(String uri) throws CertificateException {
    try {
      return SpiffeId.parse(uri);
    } catch (IllegalArgumentException e) {
      throw new CertificateException(e.getMessage(), e);
    }
  }

  private static void requirePurposes(X509Certificate leaf, SpiffeId identity, Set<String> purposes)
      throws CertificateException {
    List<String> allowed = leaf.getExtendedKeyUsage();
    if (allowed != null && !allowed.containsAll(purposes)) {
      throw new CertificateException(
          "the key of " + identity + " is for " + allowed + " and not for all of " + purposes);
    }
  }

  /** An instant inside the validity of every certificate, as near to now as there is one. */
  private static Instant requireValidity(
      List<X509Certificate> path, SpiffeId identity, Instant now, Duration early)
      throws CertificateException {
    Instant judgedAt = now;
    for (X509Certificate one : path) {
      Instant begin = one.getNotBefore().toInstant();
      Instant end = one.getNotAfter().toInstant();
      if (now.isBefore(begin.minus(early))) {
        throw new CertificateNotYetValidException(
            "a certificate of " + identity + " begins at " + begin + ", it is " + now + " here");
      }
      if (now.isAfter(end)) {
        throw new CertificateExpiredException(
            "a certificate of " + identity + " ended at " + end + ", it is " + now + " here");
      }
      judgedAt = judgedAt.isBefore(begin) ? begin : judgedAt;
    }
    return judgedAt;
  }

  private static X509Certificate requirePath(
      List<X509Certificate> path,
      Collection<X509Certificate> roots,
      SpiffeId identity,
      Instant judgedAt)
      throws CertificateException {
    try {
      PKIXParameters parameters =
          new PKIXParameters(
              roots.stream().map(root -> new TrustAnchor(root, null)).collect(Collectors.toSet()));
      parameters.setRevocationEnabled(false); // short lives and the deny list stand in for CRLs
      parameters.setDate(Date.from(judgedAt));
      var result =
          (PKIXCertPathValidatorResult)
              CertPathValidator.getInstance("PKIX")
                  .validate(
                      CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
      return result.getTrustAnchor().getTrustedCert();
    } catch (CertPathValidatorException e) {
      throw new CertificateException(
          "the chain of " + identity + " leads to no trusted root: " + e.getMessage(), e);
    } catch (GeneralSecurityException e) {
      throw new CertificateException("the chain of " + identity + " cannot be judged", e);
    }
  }
}
