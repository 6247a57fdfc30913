package io.sluice.images;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.interfaces.ECPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;

/** The public half of a {@link SigningKey}, as {@code cosign.pub} has it. */
record VerificationKey(PublicKey key) {
  private static final String NO_KEY = " holds no public ECDSA key on P-256 (cosign.pub)";
  private static final String BEGIN = "-----BEGIN PUBLIC KEY-----";
  private static final String END = "-----END PUBLIC KEY-----";
  private static final int BITS = 256; // P-256

  /**
   * @throws IllegalArgumentException when the file holds no public ECDSA key on P-256 in PEM
   */
  static VerificationKey read(Path file) throws IOException {
    String text = Files.readString(file).strip();
    if (text.startsWith(BEGIN) && text.endsWith(END)) {
      try {
        byte[] encoded =
            Base64.getMimeDecoder()
                .decode(text.substring(BEGIN.length(), text.length() - END.length()));
        PublicKey key =
            KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(encoded));
        if (key instanceof ECPublicKey curve && curve.getParams().getOrder().bitLength() == BITS) {
          return new VerificationKey(key);
        }
      } catch (GeneralSecurityException | IllegalArgumentException e) {
        throw new IllegalArgumentException(file + NO_KEY, e);
      }
    }
    throw new IllegalArgumentException(file + NO_KEY);
  }

  /**
   * Whether {@code signature} is this key's.
   *
   * @param digest SHA-256 of what was signed
   * @param signature DER in base64; anything else is no signature
   */
  boolean hasSigned(byte[] digest, String signature) {
    try {
      Signature judge = Signature.getInstance("NONEwithECDSA");
      judge.initVerify(key);
      judge.update(digest);
      return judge.verify(Base64.getDecoder().decode(signature.strip()));
    } catch (SignatureException | IllegalArgumentException e) {
      return false;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no ECDSA", e);
    }
  }
}
