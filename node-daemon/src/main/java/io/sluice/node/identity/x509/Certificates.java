package io.sluice.node.identity.x509;

import java.io.ByteArrayInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** X.509 certificates from outside: bounded, DER, nothing behind them. Any thread. */
public final class Certificates {
  /** A certificate with an RSA key of 4096 bits and many names is a third of it. */
  private static final int LONGEST_BYTES = 8_192;

  private static final int ID_DIGITS = 16;

  private Certificates() {}

  /**
   * Certificates in DER, in their order.
   *
   * @param most how many there may be; at least one has to be
   * @throws CertificateException that says what is wrong with which
   */
  public static List<X509Certificate> parse(List<byte[]> encoded, int most)
      throws CertificateException {
    if (encoded.isEmpty() || encoded.size() > most) {
      throw new CertificateException(
          encoded.size() + " certificates; there have to be 1 to " + most);
    }
    List<X509Certificate> certificates = new ArrayList<>();
    for (byte[] one : encoded) {
      certificates.add(parse(one));
    }
    return List.copyOf(certificates);
  }

  private static X509Certificate parse(byte[] der) throws CertificateException {
    if (der.length > LONGEST_BYTES) {
      throw new CertificateException(
          "a certificate of " + der.length + " bytes; at most " + LONGEST_BYTES);
    }
    ByteArrayInputStream in = new ByteArrayInputStream(der);
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    if (!(factory.generateCertificate(in) instanceof X509Certificate certificate)
        || in.available() > 0) {
      throw new CertificateException("bytes that are not one X.509 certificate");
    }
    return certificate;
  }

  /** SHA-256 of the certificate in lower-case hexadecimal digits. */
  public static String fingerprint(X509Certificate certificate) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    } catch (NoSuchAlgorithmException | CertificateEncodingException e) {
      throw new IllegalStateException("a parsed certificate has no SHA-256", e);
    }
  }

  /** The beginning of {@link #fingerprint}, as the authority's files and logs show it. */
  public static String id(X509Certificate certificate) {
    return fingerprint(certificate).substring(0, ID_DIGITS);
  }
}
