package io.sluice.control.authority.svid;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.interfaces.ECKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Optional;

/** Kinds of key that the built-in authority makes for itself. */
public enum SigningKey {
  /** ECDSA on P-256: every TLS stack takes it. */
  P256("EC", "secp256r1"),
  /** ECDSA on P-384: every TLS stack takes it; signing costs some four times as much. */
  P384("EC", "secp384r1"),
  /**
   * Ed25519: the JDK's TLS takes it; BoringSSL does not unless told so, and netty-tcnative cannot
   * tell it. For meshes of which every member runs on the JDK's TLS.
   */
  ED25519("Ed25519", "Ed25519");

  private static final int P384_BITS = 384;

  private final String algorithm;
  private final String curve;

  SigningKey(String algorithm, String curve) {
    this.algorithm = algorithm;
    this.curve = curve;
  }

  /** A new pair from the system's random source; any thread. */
  public KeyPair generate() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
      if (this != ED25519) {
        generator.initialize(new ECGenParameterSpec(curve));
      }
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK lacks " + this, e);
    }
  }

  /** The curve's JDK name; empty where the algorithm alone says it. */
  public Optional<String> ellipticCurve() {
    return this == ED25519 ? Optional.empty() : Optional.of(curve);
  }

  /**
   * The signature algorithm that goes with a key, by its JDK name; the hash as strong as the key.
   */
  static String signatureOf(PrivateKey key) {
    if (key instanceof ForeignKey foreign) {
      return foreign.signatureAlgorithm();
    }
    if (key instanceof ECKey ec) {
      int bits = ec.getParams().getCurve().getField().getFieldSize();
      return bits >= P384_BITS ? "SHA384withECDSA" : "SHA256withECDSA";
    }
    return switch (key.getAlgorithm()) {
      case "EdDSA", "Ed25519" -> "Ed25519";
      case "RSA" -> "SHA256withRSA";
      default -> throw new IllegalArgumentException("no signature with " + key.getAlgorithm());
    };
  }

  /** A private key that is elsewhere, such as in a token, and can only be asked to sign. */
  public interface ForeignKey extends PrivateKey {
    /** The signature algorithm that goes with it, by its JDK name. */
    String signatureAlgorithm();

    /**
     * The signature over {@code content}. Any thread; may block.
     *
     * @throws io.sluice.control.authority.AuthorityException where the key cannot be reached
     */
    byte[] sign(byte[] content);
  }
}
