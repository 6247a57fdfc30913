package io.sluice.control.authority;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.svid.RsaKeys;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/** Keys, PKCS#10 requests as a node makes them, honest or not, and self-signed certificates. */
public final class Requests {
  public static final SpiffeId STORE = SpiffeId.parse("spiffe://site.example/ns/shop/sa/store");

  private Requests() {}

  /** {@code algorithm}: a curve's name, {@code Ed25519}, or {@code RSA-<bits>}, always the same. */
  public static KeyPair keyPair(String algorithm) throws Exception {
    if (algorithm.startsWith("RSA-")) {
      return RsaKeys.of(Integer.parseInt(algorithm.substring(4)), 65_537);
    }
    if (algorithm.equals("Ed25519") || algorithm.equals("Ed448")) {
      return KeyPairGenerator.getInstance(algorithm).generateKeyPair();
    }
    KeyPairGenerator ec = KeyPairGenerator.getInstance("EC");
    ec.initialize(new ECGenParameterSpec(algorithm));
    return ec.generateKeyPair();
  }

  public static String signatureFor(KeyPair pair) {
    return switch (pair.getPrivate().getAlgorithm()) {
      case "RSA" -> "SHA256withRSA";
      case "EC" -> "SHA256withECDSA";
      case "EdDSA" -> pair.getPublic().getEncoded().length > 60 ? "Ed448" : "Ed25519";
      case String other -> throw new IllegalArgumentException(other);
    };
  }

  /** A request that also asks for what it must not get. */
  public static byte[] der(KeyPair pair) throws Exception {
    return der(pair, pair, signatureFor(pair));
  }

  public static byte[] der(KeyPair carried, KeyPair signer, String signature) throws Exception {
    ExtensionsGenerator wishes = new ExtensionsGenerator();
    wishes.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
    wishes.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(
            new GeneralName(
                GeneralName.uniformResourceIdentifier, "spiffe://site.example/ns/bank/sa/vault")));
    return new JcaPKCS10CertificationRequestBuilder(new X500Name("CN=admin"), carried.getPublic())
        .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, wishes.generate())
        .build(new JcaContentSignerBuilder(signature).build(signer.getPrivate()))
        .getEncoded();
  }

  /** A certificate that {@code pair} signs for itself; an authority's, or a leaf's. */
  public static X509Certificate selfSigned(
      KeyPair pair, String name, boolean isAuthority, Instant begin, Instant end) {
    try {
      X500Name subject = new X500Name("CN=" + name);
      var builder =
          new JcaX509v3CertificateBuilder(
              subject, BigInteger.ONE, Date.from(begin), Date.from(end), subject, pair.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(isAuthority));
      builder.addExtension(
          Extension.keyUsage,
          true,
          new KeyUsage(isAuthority ? KeyUsage.keyCertSign : KeyUsage.digitalSignature));
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(
                  new JcaContentSignerBuilder(signatureFor(pair)).build(pair.getPrivate())));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  public static CertificateRequest of(KeyPair pair, Duration lifetime) throws Exception {
    return new CertificateRequest(STORE, SigningRequest.parse(der(pair)), lifetime, "node-1");
  }

  /** A request that asks for {@code names} and nothing else. */
  public static byte[] naming(KeyPair pair, String subject, GeneralName... names) throws Exception {
    ExtensionsGenerator wishes = new ExtensionsGenerator();
    wishes.addExtension(Extension.subjectAlternativeName, true, new GeneralNames(names));
    return new JcaPKCS10CertificationRequestBuilder(new X500Name(subject), pair.getPublic())
        .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, wishes.generate())
        .build(new JcaContentSignerBuilder(signatureFor(pair)).build(pair.getPrivate()))
        .getEncoded();
  }

  /** A request that asks for exactly {@link #STORE}. */
  public static CertificateRequest exact(KeyPair pair, Duration lifetime) {
    return new CertificateRequest(STORE, SigningRequest.of(pair, STORE), lifetime, "node-1");
  }

  public static CertificateRequest of(Duration lifetime) throws Exception {
    return of(keyPair("secp256r1"), lifetime);
  }
}
