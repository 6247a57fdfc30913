package io.sluice.control.authority.svid;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.mesh.svid.Certificates;
import java.io.IOException;
import java.io.StringReader;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemReader;
import org.jspecify.annotations.Nullable;

/**
 * Certificates and private keys as text (RFC 7468). Reads PKCS#8, PKCS#1 and SEC 1 keys without a
 * pass phrase; text around the blocks is skipped.
 *
 * @param certificates in the order of the text
 * @param keys in the order of the text
 */
public record Pem(List<X509Certificate> certificates, List<PrivateKey> keys) {
  /** A dozen certificates and a key; more is no chain. */
  public static final int LONGEST_TEXT = 262_144;

  private static final String CERTIFICATE = "CERTIFICATE";

  public Pem {
    certificates = List.copyOf(certificates);
    keys = List.copyOf(keys);
  }

  /**
   * Reads every block of {@code text}.
   *
   * @param source where it came from, for the message
   * @throws AuthorityException where a block is damaged, cut off or of another kind
   */
  public static Pem parse(String text, String source) {
    if (text.length() > LONGEST_TEXT) {
      throw damaged(source, "more than " + LONGEST_TEXT + " characters", null);
    }
    if (count(text, "-----BEGIN ") != count(text, "-----END ")) {
      throw damaged(source, "a block is cut off", null);
    }
    List<X509Certificate> certificates = new ArrayList<>();
    List<PrivateKey> keys = new ArrayList<>();
    try (PemReader reader = new PemReader(new StringReader(text))) {
      for (PemObject block = reader.readPemObject();
          block != null;
          block = reader.readPemObject()) {
        if (block.getType().equals(CERTIFICATE)) {
          certificates.add(Certificates.parse(block.getContent()));
        } else {
          key(block, source).ifPresent(keys::add);
        }
      }
    } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
      // The reader reports broken base64 by an unchecked exception of its own kind.
      throw damaged(source, "a block cannot be read", e);
    } catch (IllegalStateException e) {
      throw damaged(source, "a block cannot be read", e);
    }
    return new Pem(certificates, keys);
  }

  /** Empty for blocks that only describe a key, as OpenSSL writes before an EC key. */
  private static Optional<PrivateKey> key(PemObject block, String source) throws IOException {
    if (block.getType().equals("EC PARAMETERS")) {
      return Optional.empty();
    }
    StringReader text = new StringReader(encode(block.getType(), block.getContent()));
    boolean encrypted = block.getType().startsWith("ENCRYPTED") || !block.getHeaders().isEmpty();
    if (encrypted) {
      throw damaged(source, "the private key has a pass phrase", null);
    }
    try (PEMParser parser = new PEMParser(text)) {
      JcaPEMKeyConverter converter = new JcaPEMKeyConverter();
      return switch (parser.readObject()) {
        case PrivateKeyInfo info -> Optional.of(converter.getPrivateKey(info));
        case PEMKeyPair pair -> Optional.of(converter.getPrivateKey(pair.getPrivateKeyInfo()));
        case null, default ->
            throw damaged(source, "a block of type " + block.getType() + " is not expected", null);
      };
    }
  }

  private static long count(String text, String marker) {
    return text.lines().filter(line -> line.startsWith(marker)).count();
  }

  private static AuthorityException damaged(
      String source, String problem, @Nullable Throwable cause) {
    return new AuthorityException(
        Reason.STORE_DAMAGED,
        source,
        problem,
        "put back a copy in PEM, with certificates and keys without a pass phrase",
        cause);
  }

  /** All of them as text, certificates first. */
  public String text() {
    StringBuilder text = new StringBuilder();
    try {
      for (X509Certificate certificate : certificates) {
        text.append(encode(CERTIFICATE, certificate.getEncoded()));
      }
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a parsed certificate has an encoding", e);
    }
    for (PrivateKey key : keys) {
      text.append(encode("PRIVATE KEY", key.getEncoded()));
    }
    return text.toString();
  }

  private static String encode(String type, byte[] der) {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return "-----BEGIN " + type + "-----\n" + body + "\n-----END " + type + "-----\n";
  }

  /** How many there are, never what they are. */
  @Override
  public String toString() {
    return certificates.size() + " certificates, " + keys.size() + " keys";
  }
}
