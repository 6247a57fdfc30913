package io.sluice.proxy.tls;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SvidLeaf;
import java.security.cert.X509Certificate;

/** What SPIFFE X.509-SVID §2 to §5 ask of a leaf certificate by itself, as reasons of TLS. */
final class SvidRules {
  private SvidRules() {}

  /** The identity a leaf names. */
  static SpiffeId identity(X509Certificate leaf) throws PeerRefused {
    return switch (SvidLeaf.of(leaf)) {
      case SvidLeaf.Proper(String uri) -> parsed(uri);
      case SvidLeaf.UnreadableNames(var cause) ->
          throw new PeerRefused(
              TlsReason.NOT_AN_SVID, "unreadable subject alternative names", cause);
      case SvidLeaf.NotOneUri(int uris) ->
          throw refused("the leaf has " + uris + " URI names instead of one");
      case SvidLeaf.Authority(String uri) ->
          throw refused(uri + " comes with the certificate of a CA");
      case SvidLeaf.CannotSignHandshakes(String uri) ->
          throw refused("the key of " + uri + " may not sign");
      case SvidLeaf.SignsCertificates(String uri) ->
          throw refused("the key of " + uri + " may sign certificates or CRLs");
    };
  }

  private static SpiffeId parsed(String uri) throws PeerRefused {
    try {
      return SpiffeId.parse(uri);
    } catch (IllegalArgumentException e) {
      throw new PeerRefused(TlsReason.NOT_AN_SVID, String.valueOf(e.getMessage()), e);
    }
  }

  private static PeerRefused refused(String problem) {
    return new PeerRefused(TlsReason.NOT_AN_SVID, problem);
  }
}
