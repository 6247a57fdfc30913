package io.sluice.control.authority.svid;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.mesh.svid.Certificates;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.DefaultSignatureAlgorithmIdentifierFinder;

/**
 * A certificate that may sign others, its key, and the way from it to its root. Immutable.
 *
 * @param chain the signing certificate first, its self-signed root last; both the same for a root
 */
public record Issuer(List<X509Certificate> chain, PrivateKey key) {
  private static final int KEY_CERT_SIGN = 5;

  /**
   * Checks that it can do its work: an authority's certificate, with its key, linked to a root.
   *
   * @param source where it came from, for the message
   * @throws AuthorityException where it cannot
   */
  public static Issuer checked(List<X509Certificate> chain, PrivateKey key, String source) {
    Issuer issuer = new Issuer(chain, key);
    if (!issuer.keyFits()) {
      throw damaged(source, "the private key does not belong to the first certificate");
    }
    for (int i = 0; i < issuer.chain.size(); i++) {
      X509Certificate certificate = issuer.chain.get(i);
      boolean[] usage = certificate.getKeyUsage();
      if (certificate.getBasicConstraints() < i || usage == null || !usage[KEY_CERT_SIGN]) {
        throw damaged(
            source, "certificate " + (i + 1) + " may not sign: no CA, keyCertSign or path length");
      }
      X509Certificate by = issuer.chain.get(Math.min(i + 1, issuer.chain.size() - 1));
      try {
        certificate.verify(by.getPublicKey());
      } catch (GeneralSecurityException e) {
        throw damaged(
            source,
            "certificate "
                + (i + 1)
                + (by == certificate
                    ? " is the last and not self-signed"
                    : " is not signed by the next"));
      }
    }
    return issuer;
  }

  public Issuer {
    chain = List.copyOf(chain);
    if (chain.isEmpty()) {
      throw new IllegalArgumentException("an issuer needs its certificate");
    }
  }

  private static AuthorityException damaged(String source, String problem) {
    return new AuthorityException(
        Reason.STORE_DAMAGED,
        source,
        problem,
        "put back a copy with the issuer first, then each of its issuers up to the root");
  }

  private boolean keyFits() {
    byte[] challenge = new byte[32];
    new SecureRandom().nextBytes(challenge);
    try {
      byte[] signed = KeySigner.sign(key, challenge);
      Signature signature = Signature.getInstance(SigningKey.signatureOf(key));
      signature.initVerify(certificate().getPublicKey());
      signature.update(challenge);
      return signature.verify(signed);
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      return false; // a key of another kind than the certificate's
    }
  }

  /** The certificate that signs. */
  public X509Certificate certificate() {
    return chain.getFirst();
  }

  /** The self-signed end of the chain, which peers trust. */
  public X509Certificate root() {
    return chain.getLast();
  }

  /** What is sent along with a leaf: the chain without its root. */
  public List<X509Certificate> intermediates() {
    return chain.subList(0, chain.size() - 1);
  }

  /** True where an intermediate may stand between this certificate and leaves. */
  public boolean maySignIntermediates() {
    return certificate().getBasicConstraints() > 0;
  }

  /** First instant at which the whole chain is valid. */
  public Instant notBefore() {
    return chain.stream()
        .map(certificate -> certificate.getNotBefore().toInstant())
        .max(Instant::compareTo)
        .orElseThrow();
  }

  /** Last instant at which the whole chain is valid. */
  public Instant notAfter() {
    return Certificates.end(chain);
  }

  /** Name by content: 16 hexadecimal digits of the certificate's SHA-256. */
  public String id() {
    return Certificates.id(certificate());
  }

  /** Without the key. */
  @Override
  public String toString() {
    return "issuer " + id() + " (" + certificate().getSubjectX500Principal() + ")";
  }

  /** Signs one certificate with a key of ours, or of a token. */
  static final class KeySigner implements ContentSigner {
    private final PrivateKey key;
    private final ByteArrayOutputStream content = new ByteArrayOutputStream();

    KeySigner(PrivateKey key) {
      this.key = key;
    }

    static byte[] sign(PrivateKey key, byte[] content) throws GeneralSecurityException {
      if (key instanceof SigningKey.ForeignKey foreign) {
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
}
