package io.sluice.control.authority;

import io.sluice.control.authority.AuthorityException.Reason;
import java.io.IOException;
import java.math.BigInteger;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.RSAPublicKey;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;

/**
 * Which keys of workloads are signed: ECDSA on P-256 or P-384 as a named curve, Ed25519, RSA of
 * 2048 to 4096 bits. Looked at before any arithmetic with the key, so that a huge or odd one costs
 * nothing.
 */
final class AcceptedKeys {
  private static final int SHORTEST_RSA_BITS = 2048;
  private static final int LONGEST_RSA_BITS = 4096;

  /** The least exponent of NIST SP 800-56B §6.2; the greatest keeps verification cheap. */
  private static final BigInteger LEAST_EXPONENT = BigInteger.valueOf(65_537);

  private static final int LONGEST_EXPONENT_BITS = 32;

  private AcceptedKeys() {}

  static void require(SubjectPublicKeyInfo key) throws IOException {
    ASN1ObjectIdentifier algorithm = key.getAlgorithm().getAlgorithm();
    if (algorithm.equals(EdECObjectIdentifiers.id_Ed25519)) {
      return;
    }
    if (algorithm.equals(X9ObjectIdentifiers.id_ecPublicKey)) {
      Object curve = key.getAlgorithm().getParameters();
      if (!SECObjectIdentifiers.secp256r1.equals(curve)
          && !SECObjectIdentifiers.secp384r1.equals(curve)) {
        throw refused("an EC key must be on the named curve P-256 or P-384");
      }
      return;
    }
    if (!algorithm.equals(PKCSObjectIdentifiers.rsaEncryption)) {
      throw refused("key algorithm " + algorithm + " is not taken");
    }
    RSAPublicKey rsa = RSAPublicKey.getInstance(key.parsePublicKey());
    int bits = rsa.getModulus().bitLength();
    if (bits < SHORTEST_RSA_BITS || bits > LONGEST_RSA_BITS) {
      throw refused("an RSA key of " + bits + " bits");
    }
    BigInteger exponent = rsa.getPublicExponent();
    if (exponent.compareTo(LEAST_EXPONENT) < 0
        || exponent.bitLength() > LONGEST_EXPONENT_BITS
        || !exponent.testBit(0)) {
      throw refused("an RSA key with an unusual exponent");
    }
  }

  private static AuthorityException refused(String problem) {
    return new AuthorityException(
        Reason.KEY_REFUSED,
        "certificate request",
        problem,
        "use ECDSA P-256 or P-384, Ed25519, or RSA of "
            + SHORTEST_RSA_BITS
            + " to "
            + LONGEST_RSA_BITS
            + " bits");
  }
}
