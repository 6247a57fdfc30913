package io.sluice.mesh.svid;

import io.sluice.mesh.Sha256;
import java.io.ByteArrayInputStream;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** X.509 certificates from outside: bounded, DER, nothing behind them. Any thread. */
public final class Certificates {
  /** A certificate with an RSA key of 4096 bits and many names is a third of it. */
  static final int LONGEST_BYTES = 8_192;

  private static final int ID_DIGITS = 16;

  private Certificates() {}

  /**
   * Certificates in DER, in their order.
   *
   * @param most how many there may be; at least one has to be
   * @throws SvidRefused that says what is wrong with which
   */
  public static List<X509Certificate> parse(List<byte[]> encoded, int most) throws SvidRefused {
    if (encoded.isEmpty()) {
      throw new SvidRefused(SvidReason.NO_CERTIFICATE, "no certificate");
    }
    if (encoded.size() > most) {
      throw new SvidRefused(
          SvidReason.CHAIN_TOO_LONG, encoded.size() + " certificates; at most " + most);
    }
    List<X509Certificate> certificates = new ArrayList<>();
    for (byte[] one : encoded) {
      certificates.add(parse(one));
    }
    return List.copyOf(certificates);
  }

  /**
   * One certificate in DER.
   *
   * @throws SvidRefused that says what is wrong with it
   */
  public static X509Certificate parse(byte[] der) throws SvidRefused {
    if (der.length > LONGEST_BYTES) {
      throw oversized(der.length);
    }
    ByteArrayInputStream in = new ByteArrayInputStream(der);
    try {
      if (CertificateFactory.getInstance("X.509").generateCertificate(in)
              instanceof X509Certificate certificate
          && in.available() == 0) {
        return certificate;
      }
    } catch (CertificateException | RuntimeException e) { // hostile bytes reach many parsers
      throw new SvidRefused(
          SvidReason.UNREADABLE, "bytes that are no X.509 certificate: " + e.getMessage(), e);
    }
    throw new SvidRefused(SvidReason.UNREADABLE, "bytes that are not one X.509 certificate");
  }

  static SvidRefused oversized(int bytes) {
    return new SvidRefused(
        SvidReason.UNREADABLE, "a certificate of " + bytes + " bytes; at most " + LONGEST_BYTES);
  }

  /** SHA-256 of the certificate in lower-case hexadecimal digits. */
  public static String fingerprint(X509Certificate certificate) {
    try {
      return Sha256.hex(certificate.getEncoded());
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a parsed certificate has no SHA-256", e);
    }
  }

  /** The beginning of {@link #fingerprint}, as the authority's files and logs show it. */
  public static String id(X509Certificate certificate) {
    return fingerprint(certificate).substring(0, ID_DIGITS);
  }

  /** Last instant at which the whole chain is valid. */
  public static Instant end(List<X509Certificate> chain) {
    return chain.stream()
        .map(one -> one.getNotAfter().toInstant())
        .min(Instant::compareTo)
        .orElseThrow();
  }

  /** The one of {@code roots} that signed the last certificate of {@code chain}. */
  public static Optional<X509Certificate> root(
      List<X509Certificate> chain, Collection<X509Certificate> roots) {
    return roots.stream().filter(root -> isSignedBy(chain.getLast(), root)).findFirst();
  }

  private static boolean isSignedBy(X509Certificate certificate, X509Certificate issuer) {
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
}
