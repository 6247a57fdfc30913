package io.sluice.mesh;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;

/**
 * What a leaf certificate is by itself, by SPIFFE X.509-SVID §2 to §4: exactly one URI, no
 * authority, a key that signs handshakes and neither certificates nor revocation lists. Who signed
 * it, for how long, and whether the URI is one that the mesh issues, is for the caller to look at.
 * Any thread.
 */
public sealed interface SvidLeaf {
  /** It keeps the rules. */
  record Proper(String uri) implements SvidLeaf {}

  /** Its subject alternative names are damaged. */
  record UnreadableNames(CertificateParsingException cause) implements SvidLeaf {}

  /** It has {@code uris} URI names where there has to be one. */
  record NotOneUri(int uris) implements SvidLeaf {}

  /** It is the certificate of an authority. */
  record Authority(String uri) implements SvidLeaf {}

  /** Its key usage is absent, or does not let it sign handshakes. */
  record CannotSignHandshakes(String uri) implements SvidLeaf {}

  /** Its key may sign certificates or revocation lists. */
  record SignsCertificates(String uri) implements SvidLeaf {}

  /** The first rule that {@code leaf} breaks, in the order of this file, or that it is proper. */
  static SvidLeaf of(X509Certificate leaf) {
    Collection<List<?>> names;
    try {
      names = leaf.getSubjectAlternativeNames();
    } catch (CertificateParsingException e) {
      return new UnreadableNames(e);
    }
    int uriName = 6; // GeneralName, RFC 5280 §4.2.1.6
    List<String> uris =
        names == null
            ? List.of()
            : names.stream()
                .filter(name -> name.getFirst().equals(uriName))
                .map(name -> String.valueOf(name.get(1)))
                .toList();
    return uris.size() == 1 ? use(leaf, uris.getFirst()) : new NotOneUri(uris.size());
  }

  private static SvidLeaf use(X509Certificate leaf, String uri) {
    int digitalSignature = 0; // bits of KeyUsage, RFC 5280 §4.2.1.3
    int keyCertSign = 5;
    int crlSign = 6;
    if (leaf.getBasicConstraints() != -1) {
      return new Authority(uri);
    }
    boolean[] usage = leaf.getKeyUsage();
    if (usage == null || !usage[digitalSignature]) {
      return new CannotSignHandshakes(uri);
    }
    return usage[keyCertSign] || usage[crlSign] ? new SignsCertificates(uri) : new Proper(uri);
  }
}
