package io.sluice.node.identity.x509;

import io.sluice.mesh.SpiffeId;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;

/** New keys, and the requests that prove them. Any thread; some milliseconds of computing. */
public final class SigningRequests {
  private static final byte[] EXTENSION_REQUEST = Der.oid("1.2.840.113549.1.9.14"); // RFC 2985
  private static final byte[] SUBJECT_ALTERNATIVE_NAME = Der.oid("2.5.29.17"); // RFC 5280
  private static final byte[] ECDSA_WITH_SHA256 = Der.oid("1.2.840.10045.4.3.2"); // RFC 5758
  private static final int URI_NAME = 6; // GeneralName, RFC 5280 §4.2.1.6

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
    return request(key, Der.context(0));
  }

  /**
   * PKCS#10 in DER with exactly this identity as a URI name, which authorities need that take names
   * from the request.
   */
  public static byte[] of(KeyPair key, SpiffeId identity) {
    byte[] uri = identity.toString().getBytes(StandardCharsets.US_ASCII);
    byte[] name =
        Der.sequence(
            SUBJECT_ALTERNATIVE_NAME,
            Der.TRUE, // critical, since there is no subject (RFC 5280 §4.2.1.6)
            Der.octets(Der.sequence(Der.contextPrimitive(URI_NAME, uri))));
    return request(
        key, Der.context(0, Der.sequence(EXTENSION_REQUEST, Der.set(Der.sequence(name)))));
  }

  /** RFC 2986 §4, version 0 with an empty subject. */
  private static byte[] request(KeyPair key, byte[] attributes) {
    byte[] info = Der.sequence(Der.ZERO, Der.sequence(), key.getPublic().getEncoded(), attributes);
    return Der.sequence(info, Der.sequence(ECDSA_WITH_SHA256), Der.bits(signature(key, info)));
  }

  private static byte[] signature(KeyPair key, byte[] info) {
    try {
      Signature signature = Signature.getInstance("SHA256withECDSA");
      signature.initSign(key.getPrivate());
      signature.update(info);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a request cannot be signed by a new key", e);
    }
  }
}
