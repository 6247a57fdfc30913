package io.sluice.control.authority.svid;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SvidLeaf;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
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
import org.bouncycastle.asn1.ASN1OctetString;

/** Whether a chain is a proper X.509-SVID for what was asked (SPIFFE X.509-SVID §5). Any thread. */
public final class SvidRules {
  /** What was asked for, and by which roots it has to be covered. */
  public record Expectation(
      SpiffeId identity, PublicKey key, Duration lifetime, Collection<X509Certificate> roots) {}

  private static final int LONGEST_CHAIN = 5;
  private static final int LONGEST_SERIAL_BITS = 159;
  private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
  private static final String KEY_USAGE = "2.5.29.15";
  private static final String NAME_CONSTRAINTS = "2.5.29.30";
  private static final int KEY_CERT_SIGN = 5;
  private static final int DNS_NAME = 2;
  private static final int URI = 6;

  private SvidRules() {}

  /**
   * The first rule that {@code chain} breaks, as a clause for a message; empty when it breaks none.
   *
   * @param chain leaf first, without the root
   */
  public static Optional<String> violation(
      List<X509Certificate> chain, Expectation expected, Instant now) {
    if (chain.isEmpty() || chain.size() > LONGEST_CHAIN) {
      return Optional.of("a chain of " + chain.size() + " certificates");
    }
    X509Certificate leaf = chain.getFirst();
    return violation(SvidLeaf.of(leaf))
        .or(() -> names(leaf, expected.identity()))
        .or(() -> use(chain))
        .or(() -> validity(leaf, expected, now))
        .or(() -> path(chain, expected.roots(), now));
  }

  /** The rule that a leaf breaks by itself, in words for a message; empty for a proper one. */
  public static Optional<String> violation(SvidLeaf leaf) {
    return switch (leaf) {
      case SvidLeaf.Proper _ -> Optional.empty();
      case SvidLeaf.UnreadableNames(var cause) -> unreadableNames(cause);
      case SvidLeaf.NotOneUri(int uris) -> Optional.of(uris + " URI names instead of exactly one");
      case SvidLeaf.Authority _ -> Optional.of("the leaf is a certificate authority");
      case SvidLeaf.CannotSignHandshakes _ -> Optional.of("the leaf's key may not sign handshakes");
      case SvidLeaf.SignsCertificates _ -> Optional.of("the leaf's key may sign certificates");
    };
  }

  private static Optional<String> unreadableNames(CertificateParsingException cause) {
    return Optional.of("its names cannot be read: " + cause.getMessage());
  }

  private static Optional<String> names(X509Certificate leaf, SpiffeId identity) {
    Collection<List<?>> names;
    try {
      names = leaf.getSubjectAlternativeNames();
    } catch (CertificateParsingException e) {
      return unreadableNames(e);
    }
    String uri = ofType(names, URI).getFirst();
    if (!uri.equals(identity.toString())) {
      return Optional.of("it names " + uri + " instead of " + identity);
    }
    List<String> dnsNames = ofType(names, DNS_NAME);
    Optional<String> allowed = SvidProfile.dnsName(identity);
    // That the extension is critical where the subject is empty, the JDK's parser demands.
    return violated(
        1 + dnsNames.size() != names.size()
            || !dnsNames.stream().allMatch(name -> allowed.filter(name::equals).isPresent()),
        "it carries names that were not asked for: " + names);
  }

  private static List<String> ofType(Collection<List<?>> names, int type) {
    return names.stream()
        .filter(name -> name.getFirst().equals(type))
        .map(name -> String.valueOf(name.get(1)))
        .toList();
  }

  private static Optional<String> use(List<X509Certificate> chain) {
    X509Certificate leaf = chain.getFirst();
    if (!leaf.getCriticalExtensionOIDs().contains(KEY_USAGE)) {
      return Optional.of("no critical key usage");
    }
    try {
      List<String> purposes = leaf.getExtendedKeyUsage();
      if (purposes == null || !purposes.containsAll(List.of(SERVER_AUTH, CLIENT_AUTH))) {
        return Optional.of("it is not for both server and client authentication");
      }
    } catch (CertificateParsingException e) {
      return Optional.of("its extended key usage cannot be read");
    }
    for (X509Certificate issuer : chain.subList(1, chain.size())) {
      boolean[] issuerUsage = issuer.getKeyUsage();
      if (issuer.getBasicConstraints() < 0 || issuerUsage == null || !issuerUsage[KEY_CERT_SIGN]) {
        return Optional.of("an issuer in the chain is no certificate authority");
      }
    }
    return Optional.empty();
  }

  private static Optional<String> validity(
      X509Certificate leaf, Expectation expected, Instant now) {
    Instant latest = now.plus(expected.lifetime()).plus(SvidProfile.CLOCK_SKEW);
    return violated(!leaf.getPublicKey().equals(expected.key()), "it is for another key")
        .or(() -> violated(leaf.getVersion() != 3, "it is not X.509 version 3"))
        .or(() ->
            violated(
                leaf.getSerialNumber().signum() <= 0
                    || leaf.getSerialNumber().bitLength() > LONGEST_SERIAL_BITS,
                "its serial is not positive or longer than 20 octets"))
        .or(() ->
            violated(
                leaf.getNotAfter().toInstant().isAfter(latest),
                "it lives until " + leaf.getNotAfter().toInstant() + ", longer than asked"));
  }

  private static Optional<String> path(
      List<X509Certificate> chain, Collection<X509Certificate> roots, Instant now) {
    try {
      Set<TrustAnchor> anchors = roots.stream().map(SvidRules::anchor).collect(Collectors.toSet());
      PKIXParameters parameters = new PKIXParameters(anchors);
      parameters.setRevocationEnabled(false); // by short life and the mesh's own deny list
      parameters.setDate(Date.from(now));
      CertPathValidator.getInstance("PKIX")
          .validate(CertificateFactory.getInstance("X.509").generateCertPath(chain), parameters);
      return Optional.empty();
    } catch (GeneralSecurityException | RuntimeException e) {
      // Unchecked: the JDK's check of name constraints does not expect hosts such as 10.1.
      return Optional.of("it leads to no trusted root: " + e.getMessage());
    }
  }

  /** With the root's own constraints, which the JDK overlooks and others do not. */
  private static TrustAnchor anchor(X509Certificate root) {
    byte[] extension = root.getExtensionValue(NAME_CONSTRAINTS);
    return new TrustAnchor(
        root, extension == null ? null : ASN1OctetString.getInstance(extension).getOctets());
  }

  private static Optional<String> violated(boolean broken, String rule) {
    return broken ? Optional.of(rule) : Optional.empty();
  }
}
