package io.sluice.proxy.tls;

import io.sluice.mesh.SpiffeId;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;

/** What SPIFFE X.509-SVID §2 to §5 ask of a leaf certificate by itself. */
final class SvidRules {
  private static final int URI_NAME = 6; // GeneralName, RFC 5280 §4.2.1.6
  private static final int DIGITAL_SIGNATURE = 0; // KeyUsage bits, RFC 5280 §4.2.1.3
  private static final int KEY_CERT_SIGN = 5;
  private static final int CRL_SIGN = 6;

  private SvidRules() {}

  /** The identity a leaf names. */
  static SpiffeId identity(X509Certificate leaf) throws PeerRefused {
    String uri = onlyUri(leaf);
    requireLeaf(leaf, uri);
    try {
      return SpiffeId.parse(uri);
    } catch (IllegalArgumentException e) {
      throw new PeerRefused(TlsReason.NOT_AN_SVID, String.valueOf(e.getMessage()), e);
    }
  }

  private static String onlyUri(X509Certificate leaf) throws PeerRefused {
    Collection<List<?>> names;
    try {
      names = leaf.getSubjectAlternativeNames();
    } catch (CertificateParsingException e) {
      throw new PeerRefused(TlsReason.NOT_AN_SVID, "unreadable subject alternative names", e);
    }
    List<String> uris =
        names == null
            ? List.of()
            : names.stream()
                .filter(name -> name.getFirst().equals(URI_NAME))
                .map(name -> String.valueOf(name.get(1)))
                .toList();
    if (uris.size() != 1) {
      throw new PeerRefused(
          TlsReason.NOT_AN_SVID, "the leaf has " + uris.size() + " URI names instead of one");
    }
    return uris.getFirst();
  }

  private static void requireLeaf(X509Certificate leaf, String uri) throws PeerRefused {
    if (leaf.getBasicConstraints() != -1) {
      throw new PeerRefused(TlsReason.NOT_AN_SVID, uri + " comes with the certificate of a CA");
    }
    boolean[] usage = leaf.getKeyUsage();
    if (usage == null || !usage[DIGITAL_SIGNATURE]) {
      throw new PeerRefused(TlsReason.NOT_AN_SVID, "the key of " + uri + " may not sign");
    }
    if (usage[KEY_CERT_SIGN] || usage[CRL_SIGN]) {
      throw new PeerRefused(
          TlsReason.NOT_AN_SVID, "the key of " + uri + " may sign certificates or CRLs");
    }
  }
}
