package io.sluice.node.identity.x509;

import io.sluice.mesh.SpiffeId;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/** New keys, and the requests that prove them. Any thread; some milliseconds of computing. */
public final class SigningRequests {
  private SigningRequests() {}

  /** A key on the curve P-256, which every TLS stack takes. */
  public static KeyPair newKey() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK makes no P-256 keys", e);
    }
  }

  /** PKCS#10 in DER for a key alone: whoever signs it knows the name. */
  public static byte[] of(KeyPair key) {
    return signed(key, builder(key));
  }

  /**
   * PKCS#10 in DER with exactly this identity as a URI name, which authorities need that take names
   * from the request.
   */
  public static byte[] of(KeyPair key, SpiffeId identity) {
    try {
      ExtensionsGenerator extensions = new ExtensionsGenerator();
      // Critical, since there is no subject (RFC 5280 §4.2.1.6).
      extensions.addExtension(
          Extension.subjectAlternativeName,
          true,
          new GeneralNames(
              new GeneralName(GeneralName.uniformResourceIdentifier, identity.toString())));
      JcaPKCS10CertificationRequestBuilder builder = builder(key);
      builder.addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate());
      return signed(key, builder);
    } catch (IOException e) {
      throw new IllegalStateException("the request for " + identity + " cannot be encoded", e);
    }
  }

  private static JcaPKCS10CertificationRequestBuilder builder(KeyPair key) {
    return new JcaPKCS10CertificationRequestBuilder(new X500Name(""), key.getPublic());
  }

  private static byte[] signed(KeyPair key, JcaPKCS10CertificationRequestBuilder builder) {
    try {
      return builder
          .build(new JcaContentSignerBuilder("SHA256withECDSA").build(key.getPrivate()))
          .getEncoded();
    } catch (OperatorCreationException | IOException e) {
      throw new IllegalStateException("a request cannot be signed by a new key", e);
    }
  }
}
