package io.sluice.control.authority.svid;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.DefaultSignatureAlgorithmIdentifierFinder;

/** Signs one certificate with a key of ours, or of a token. */
final class KeySigner implements ContentSigner {
  private final PrivateKey key;
  private final ByteArrayOutputStream content = new ByteArrayOutputStream();

  KeySigner(PrivateKey key) {
    this.key = key;
  }

  static byte[] sign(PrivateKey key, byte[] content) throws GeneralSecurityException {
    if (key instanceof ForeignKey foreign) {
      return foreign.sign(content);
    }
    Signature signature = Signature.getInstance(SigningKey.signatureOf(key));
    signature.initSign(key);
    signature.update(content);
    return signature.sign();
  }

  @Override
  public AlgorithmIdentifier getAlgorithmIdentifier() {
    return new DefaultSignatureAlgorithmIdentifierFinder().find(SigningKey.signatureOf(key));
  }

  @Override
  public OutputStream getOutputStream() {
    return content;
  }

  @Override
  public byte[] getSignature() {
    try {
      return sign(key, content.toByteArray());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a key that was checked does sign", e);
    }
  }
}
