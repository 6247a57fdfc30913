package io.sluice.node.identity;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.node.identity.x509.SigningRequests;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A root and an intermediate that sign what they are told, right or wrong. */
public final class TestAuthority {
  private static final AtomicLong SERIALS = new AtomicLong(System.nanoTime());

  public final TrustDomain domain;
  public final X509Certificate root;
  public final X509Certificate intermediate;
  private final KeyPair intermediateKey = SigningRequests.newKey();

  public TestAuthority(TrustDomain domain) {
    this(domain, Duration.ofDays(3650));
  }

  public TestAuthority(TrustDomain domain, Duration rootLife) {
    this.domain = domain;
    KeyPair rootKey = SigningRequests.newKey();
    X500Name rootName = new X500Name("CN=root " + SERIALS.incrementAndGet());
    X500Name name = new X500Name("CN=intermediate " + SERIALS.incrementAndGet());
    Instant end = Instant.now().plus(rootLife);
    root = authority(rootName, rootKey.getPublic(), rootName, rootKey.getPrivate(), end);
    intermediate =
        authority(name, intermediateKey.getPublic(), rootName, rootKey.getPrivate(), end);
  }

  /** A proper chain, leaf first, without the root. */
  public List<X509Certificate> issue(SpiffeId identity, PublicKey key, Duration life) {
    Instant now = Instant.now();
    return issue(identity, key, now.minus(Duration.ofMinutes(5)), now.plus(life));
  }

  public List<X509Certificate> issue(SpiffeId identity, PublicKey key, Instant from, Instant to) {
    try {
      var builder =
          new JcaX509v3CertificateBuilder(
              new X500Name(intermediate.getSubjectX500Principal().getName()),
              BigInteger.valueOf(SERIALS.incrementAndGet()),
              Date.from(from),
              Date.from(to),
              new X500Name(""),
              key);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      builder.addExtension(
          Extension.extendedKeyUsage,
          false,
          new ExtendedKeyUsage(
              new KeyPurposeId[] {KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_serverAuth}));
      builder.addExtension(
          Extension.subjectAlternativeName,
          true,
          new GeneralNames(
              new GeneralName(GeneralName.uniformResourceIdentifier, identity.toString())));
      return List.of(signed(builder, intermediateKey.getPrivate()), intermediate);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static X509Certificate authority(
      X500Name subject, PublicKey key, X500Name issuer, PrivateKey issuerKey, Instant end) {
    try {
      var builder =
          new JcaX509v3CertificateBuilder(
              issuer,
              BigInteger.valueOf(SERIALS.incrementAndGet()),
              Date.from(Instant.now().minus(Duration.ofDays(1))),
              Date.from(end),
              subject,
              key);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
      return signed(builder, issuerKey);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static X509Certificate signed(JcaX509v3CertificateBuilder builder, PrivateKey key)
      throws Exception {
    return new JcaX509CertificateConverter()
        .getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(key)));
  }
}
