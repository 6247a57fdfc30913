package io.sluice.images;

import java.io.IOException;
import java.io.Reader;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.params.ECNamedDomainParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.signers.ECDSASigner;
import org.bouncycastle.crypto.signers.HMacDSAKCalculator;
import org.bouncycastle.crypto.signers.StandardDSAEncoding;
import org.bouncycastle.crypto.util.PrivateKeyFactory;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;

/**
 * A key that signs with ECDSA on P-256 over SHA-256, which is what cosign makes. The signature of
 * the same bytes is the same each time (RFC 6979), so that signing keeps an archive reproducible.
 */
final class SigningKey {
  private final ECPrivateKeyParameters key;

  private SigningKey(ECPrivateKeyParameters key) {
    this.key = key;
  }

  /**
   * @param file PEM, not encrypted: {@code PRIVATE KEY} (PKCS #8) or {@code EC PRIVATE KEY}, as
   *     OpenSSL writes them
   * @throws IllegalArgumentException with what to do, when it holds no such key
   */
  static SigningKey read(Path file) throws IOException {
    try (Reader reader = Files.newBufferedReader(file);
        PEMParser pem = new PEMParser(reader)) {
      for (Object part = pem.readObject(); part != null; part = pem.readObject()) {
        PrivateKeyInfo info =
            switch (part) {
              case PEMKeyPair pair -> pair.getPrivateKeyInfo();
              case PrivateKeyInfo alone -> alone;
              default -> null; // parameters of the curve may stand before the key
            };
        if (info != null
            && PrivateKeyFactory.createKey(info) instanceof ECPrivateKeyParameters key
            && key.getParameters() instanceof ECNamedDomainParameters curve
            && SECObjectIdentifiers.secp256r1.equals(curve.getName())) {
          return new SigningKey(key);
        }
      }
    }
    throw new IllegalArgumentException(
        file
            + " holds no plain ECDSA key on P-256: make one with"
            + " `openssl ecparam -name prime256v1 -genkey -noout -out FILE`");
  }

  /** The signature of {@code message}: DER, in base64. */
  String signatureOf(byte[] message) {
    return ofDigest(Digests.sha256(message));
  }

  /** The signature of a file's bytes. */
  String signatureOf(Path file) throws IOException {
    return ofDigest(Digests.sha256(file));
  }

  private String ofDigest(byte[] digest) {
    ECDSASigner signer = new ECDSASigner(new HMacDSAKCalculator(new SHA256Digest()));
    signer.init(true, key);
    BigInteger[] signature = signer.generateSignature(digest);
    try {
      return Base64.getEncoder()
          .encodeToString(
              StandardDSAEncoding.INSTANCE.encode(
                  key.getParameters().getN(), signature[0], signature[1]));
    } catch (IOException e) {
      throw new IllegalStateException("two numbers cannot be encoded", e);
    }
  }
}
