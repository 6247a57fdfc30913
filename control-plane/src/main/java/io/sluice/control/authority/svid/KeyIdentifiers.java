package io.sluice.control.authority.svid;

import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.jspecify.annotations.Nullable;

/** Subject and authority key identifier (RFC 5280 §4.2.1.1, §4.2.1.2). */
final class KeyIdentifiers {
  private KeyIdentifiers() {}

  /** A self-signed certificate has no {@code issuer} and points at itself. */
  static void add(
      X509v3CertificateBuilder builder, PublicKey subject, @Nullable X509Certificate issuer)
      throws CertIOException {
    SubjectKeyIdentifier own = of(subject);
    builder.addExtension(Extension.subjectKeyIdentifier, false, own);
    byte[] identifier = issuer == null ? own.getKeyIdentifier() : stated(issuer);
    builder.addExtension(
        Extension.authorityKeyIdentifier, false, new AuthorityKeyIdentifier(identifier));
  }

  /**
   * As the issuer's certificate has it: an authority brought along may derive it in another way.
   */
  private static byte[] stated(X509Certificate issuer) {
    byte[] extension = issuer.getExtensionValue(Extension.subjectKeyIdentifier.getId());
    if (extension == null) {
      return of(issuer.getPublicKey()).getKeyIdentifier();
    }
    byte[] value = ASN1OctetString.getInstance(extension).getOctets();
    return SubjectKeyIdentifier.getInstance(ASN1OctetString.getInstance(value)).getKeyIdentifier();
  }

  private static SubjectKeyIdentifier of(PublicKey key) {
    try {
      return new JcaX509ExtensionUtils().createSubjectKeyIdentifier(key);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-1", e);
    }
  }
}
