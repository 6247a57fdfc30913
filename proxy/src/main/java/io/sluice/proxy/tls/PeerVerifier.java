package io.sluice.proxy.tls;

import io.sluice.mesh.SpiffeId;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Believes a peer whose chain leads to the bundle of the trust domain it names, and that is an SVID
 * of an expected identity. Any thread; no I/O.
 */
final class PeerVerifier extends X509ExtendedTrustManager {
  /**
   * The side of the connection a certificate is used on, and its key purpose (RFC 5280 §4.2.1.12).
   */
  private enum Purpose {
    CLIENT("1.3.6.1.5.5.7.3.2"),
    SERVER("1.3.6.1.5.5.7.3.1");

    final String keyPurpose;

    Purpose(String keyPurpose) {
      this.keyPurpose = keyPurpose;
    }
  }

  private final TrustBundles trusted;
  private final DenyList denyList;
  private final Duration clockSkew;
  private final InstantSource clock;
  private final Handshakes handshakes;

  PeerVerifier(
      TrustBundles trusted,
      DenyList denyList,
      Duration clockSkew,
      InstantSource clock,
      Handshakes handshakes) {
    this.trusted = trusted;
    this.denyList = denyList;
    this.clockSkew = clockSkew;
    this.clock = clock;
    this.handshakes = handshakes;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String keyType, SSLEngine engine)
      throws CertificateException {
    verify(engine, chain, Purpose.CLIENT);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String keyType, SSLEngine engine)
      throws CertificateException {
    verify(engine, chain, Purpose.SERVER);
  }

  private void verify(SSLEngine engine, X509Certificate[] chain, Purpose purpose)
      throws CertificateException {
    Handshakes.Entry handshake = handshakes.of(engine);
    if (handshake == null) {
      throw new PeerRefused(TlsReason.INTERNAL, "a certificate outside a handshake");
    }
    try {
      VerifiedPeer peer = verify(List.of(chain), purpose);
      requireExpected(peer.identity(), handshake.expected);
      handshake.peer = peer;
    } catch (PeerRefused e) {
      handshake.refusal = e;
      throw e;
    } catch (RuntimeException e) {
      // Hostile certificates reach many parsers; whatever they throw is a refusal.
      handshake.refusal = new PeerRefused(TlsReason.UNTRUSTED, "unreadable certificate", e);
      throw handshake.refusal;
    }
  }

  private static void requireExpected(SpiffeId identity, Set<SpiffeId> expected)
      throws PeerRefused {
    if (!expected.isEmpty() && !expected.contains(identity)) {
      throw new PeerRefused(
          TlsReason.WRONG_IDENTITY, "the peer is " + identity + ", expected was " + expected);
    }
  }

  private VerifiedPeer verify(List<X509Certificate> chain, Purpose purpose) throws PeerRefused {
    if (chain.isEmpty()) {
      throw new PeerRefused(TlsReason.NO_CERTIFICATE, "an empty chain");
    }
    if (chain.size() > WorkloadCredentials.MAX_CHAIN + 1) {
      throw new PeerRefused(TlsReason.UNTRUSTED, "a chain of " + chain.size() + " certificates");
    }
    X509Certificate leaf = chain.getFirst();
    SpiffeId identity = SvidRules.identity(leaf);
    List<X509Certificate> roots = trusted.of(identity.trustDomain());
    if (roots.isEmpty()) {
      throw new PeerRefused(
          TlsReason.FOREIGN_TRUST_DOMAIN, "no bundle for the trust domain of " + identity);
    }
    List<X509Certificate> path = chain.stream().filter(one -> !roots.contains(one)).toList();
    requirePurpose(leaf, identity, purpose);
    Instant judgedAt = requireValidity(path, identity);
    requirePath(path, roots, identity, judgedAt);
    VerifiedPeer peer =
        new VerifiedPeer(identity, leaf.getSerialNumber(), leaf.getNotAfter().toInstant());
    if (denyList.denies(peer)) {
      throw new PeerRefused(TlsReason.DENIED, identity + " is on the deny list");
    }
    return peer;
  }

  /** SPIFFE X.509-SVID §4.4: the extension may be absent; present, it has to name the purpose. */
  private static void requirePurpose(X509Certificate leaf, SpiffeId identity, Purpose purpose)
      throws PeerRefused {
    List<String> purposes;
    try {
      purposes = leaf.getExtendedKeyUsage();
    } catch (CertificateException e) {
      throw new PeerRefused(TlsReason.NOT_AN_SVID, "unreadable extended key usage", e);
    }
    if (purposes != null && !purposes.contains(purpose.keyPurpose)) {
      throw new PeerRefused(
          TlsReason.WRONG_PURPOSE, "the key of " + identity + " is not for a " + purpose);
    }
  }

  /** An instant inside the validity of every certificate, at most the skew away from now. */
  private Instant requireValidity(List<X509Certificate> path, SpiffeId identity)
      throws PeerRefused {
    Instant now = clock.instant();
    Instant judgedAt = now;
    for (X509Certificate one : path) {
      Instant from = one.getNotBefore().toInstant();
      Instant to = one.getNotAfter().toInstant();
      if (now.isBefore(from.minus(clockSkew))) {
        throw new PeerRefused(
            TlsReason.NOT_YET_VALID, "a certificate of " + identity + " begins at " + from);
      }
      if (now.isAfter(to.plus(clockSkew))) {
        throw new PeerRefused(
            TlsReason.EXPIRED, "a certificate of " + identity + " ended at " + to);
      }
      judgedAt = judgedAt.isBefore(from) ? from : judgedAt.isAfter(to) ? to : judgedAt;
    }
    return judgedAt;
  }

  private static void requirePath(
      List<X509Certificate> path, List<X509Certificate> roots, SpiffeId identity, Instant judgedAt)
      throws PeerRefused {
    try {
      PKIXParameters parameters =
          new PKIXParameters(
              roots.stream().map(root -> new TrustAnchor(root, null)).collect(Collectors.toSet()));
      parameters.setRevocationEnabled(false); // short lives and the deny list stand in for CRLs
      parameters.setDate(Date.from(judgedAt));
      CertPathValidator.getInstance("PKIX")
          .validate(CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
    } catch (CertPathValidatorException e) {
      throw new PeerRefused(
          TlsReason.UNTRUSTED,
          "the chain of " + identity + " is not trusted: " + e.getMessage(),
          e);
    } catch (GeneralSecurityException e) {
      throw new PeerRefused(TlsReason.INTERNAL, "the chain of " + identity + " was not judged", e);
    }
  }

  // The TLS stacks in use always pass their engine; without it nobody is believed.

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String keyType, @Nullable Socket socket)
      throws CertificateException {
    throw withoutEngine(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String keyType, @Nullable Socket socket)
      throws CertificateException {
    throw withoutEngine(chain);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String keyType)
      throws CertificateException {
    throw withoutEngine(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String keyType)
      throws CertificateException {
    throw withoutEngine(chain);
  }

  private static PeerRefused withoutEngine(X509Certificate[] chain) {
    return new PeerRefused(
        TlsReason.INTERNAL, "no TLS engine for a chain of " + Arrays.asList(chain).size());
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
