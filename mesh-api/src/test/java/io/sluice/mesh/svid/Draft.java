package io.sluice.mesh.svid;

import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Provider;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.NameConstraints;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/** A certificate as it should be, until a case spoils something. */
final class Draft {
  private static final Provider CASTLE = new BouncyCastleProvider();
  private static final Map<String, KeyPair> KEYS = new HashMap<>(); // RSA keys take their time

  /** The object identifier 2.5.29.99, which is none of X.509's, in DER. */
  private static final byte[] SECOND_NAMES = {6, 3, 0x55, 0x1d, 99};

  final String name;
  KeyPair key;
  Draft issuer;
  String signature = "SHA256withECDSA";
  Duration from = Duration.ofHours(-1);
  Duration to = Duration.ofHours(1);
  @Nullable BasicConstraints basic = new BasicConstraints(false);
  int usage = KeyUsage.digitalSignature;
  boolean usageIsThere = true;
  KeyPurposeId[] purposes = {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth};
  GeneralName[] names = {};
  final List<Extension> others = new ArrayList<>();
  byte @Nullable [] der;

  Draft(String name, @Nullable Draft issuerOrNull) {
    this.name = name;
    this.key = ec("secp256r1");
    this.issuer = issuerOrNull == null ? this : issuerOrNull;
  }

  /** Once: each signature is another. */
  byte[] der() {
    byte[] known = der;
    if (known == null) {
      known = signed();
      der = known;
    }
    return known;
  }

  byte[] signed() {
    try {
      X509v3CertificateBuilder builder =
          new X509v3CertificateBuilder(
              new X500Name("CN=" + issuer.name),
              BigInteger.valueOf(Math.abs(name.hashCode()) + 1L),
              Date.from(OddChains.NOW.plus(from)),
              Date.from(OddChains.NOW.plus(to)),
              new X500Name("CN=" + name),
              SubjectPublicKeyInfo.getInstance(key.getPublic().getEncoded()));
      if (basic != null) {
        builder.addExtension(Extension.basicConstraints, true, basic);
      }
      if (usageIsThere) {
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
      }
      if (purposes.length > 0) {
        builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purposes));
      }
      if (names.length > 0) {
        builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(names));
      }
      for (Extension other : others) {
        builder.addExtension(other);
      }
      var signer = new JcaContentSignerBuilder(signature).setProvider(CASTLE);
      byte[] tbs =
          builder
              .build(signer.build(issuer.key.getPrivate()))
              .toASN1Structure()
              .getTBSCertificate()
              .getEncoded();
      ContentSigner content = signer.build(issuer.key.getPrivate());
      content.getOutputStream().write(secondNames(tbs));
      return new DERSequence(
              new ASN1Encodable[] {
                ASN1Primitive.fromByteArray(secondNames(tbs)),
                content.getAlgorithmIdentifier(),
                new DERBitString(content.getSignature())
              })
          .getEncoded();
    } catch (IOException | OperatorCreationException e) {
      throw new IllegalStateException(name, e);
    }
  }

  /** The builder adds nothing twice: what stands for the second names becomes them here. */
  static byte[] secondNames(byte[] tbs) {
    byte[] changed = tbs.clone();
    for (int i = 0; i + 4 < changed.length; i++) {
      if (Arrays.equals(changed, i, i + 5, SECOND_NAMES, 0, 5)) {
        changed[i + 4] = 17;
      }
    }
    return changed;
  }

  X509Certificate certificate() {
    try {
      return Certificates.parse(der());
    } catch (SvidRefused e) {
      throw new IllegalStateException(name, e);
    }
  }

  static Draft authority(String name, @Nullable Draft issuerOrNull) {
    Draft made = new Draft(name, issuerOrNull);
    made.basic = new BasicConstraints(true);
    made.usage = KeyUsage.keyCertSign | KeyUsage.cRLSign;
    made.purposes = new KeyPurposeId[0];
    made.to = Duration.ofDays(365);
    return made;
  }

  static GeneralName uri(String name) {
    return new GeneralName(GeneralName.uniformResourceIdentifier, name);
  }

  static Extension bound(String domain) {
    GeneralSubtree[] permitted = {new GeneralSubtree(uri(domain))};
    try {
      return new Extension(
          Extension.nameConstraints,
          true,
          new DEROctetString(new NameConstraints(permitted, null)));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  static Extension unreadable(String oid) {
    return extension(oid, false, new byte[] {0x30, 3, 0x01});
  }

  static Extension extension(String oid, boolean critical, byte[] value) {
    return new Extension(new ASN1ObjectIdentifier(oid), critical, value);
  }

  static KeyPair ec(String curve) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", CASTLE);
      generator.initialize(new ECGenParameterSpec(curve));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(curve, e);
    }
  }

  /** Made once for each kind. */
  static synchronized KeyPair key(String kind, String algorithm, int bits) {
    return KEYS.computeIfAbsent(
        kind + bits,
        _ -> {
          if (algorithm.equals("RSA")) {
            return RsaKeys.of(bits, 65_537);
          }
          try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
            if (bits > 0) {
              generator.initialize(bits);
            }
            return generator.generateKeyPair();
          } catch (GeneralSecurityException e) {
            throw new IllegalStateException(kind, e);
          }
        });
  }
}
