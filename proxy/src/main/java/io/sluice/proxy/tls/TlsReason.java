package io.sluice.proxy.tls;

import io.sluice.mesh.svid.SvidReason;
import java.util.Locale;

/** Why a TLS connection did not come about, or was ended: one word for log and metrics. */
public enum TlsReason {
  NO_CERTIFICATE(SvidReason.NO_CERTIFICATE),
  CHAIN_TOO_LONG(SvidReason.CHAIN_TOO_LONG),
  UNREADABLE(SvidReason.UNREADABLE),
  NOT_AN_SVID(SvidReason.NOT_AN_SVID),
  WRONG_PURPOSE(SvidReason.WRONG_PURPOSE),
  WEAK(SvidReason.WEAK),
  NOT_YET_VALID(SvidReason.NOT_YET_VALID),
  EXPIRED(SvidReason.EXPIRED),
  FOREIGN_TRUST_DOMAIN(SvidReason.FOREIGN_TRUST_DOMAIN),
  NAME_CONSTRAINED(SvidReason.NAME_CONSTRAINED),
  UNTRUSTED(SvidReason.UNTRUSTED),
  WRONG_IDENTITY("the peer is not one of those expected at this destination"),
  DENIED("the peer's identity or certificate is on the deny list"),
  REFUSED_BY_PEER("the peer refused our certificate or parameters; its own log says why"),
  PROTOCOL("the peer has no version of TLS in common with us, no suite, or no HTTP/2"),
  TIMEOUT("the handshake was not finished in time"),
  SILENT("the peer connected and sent no ClientHello in time; look for who fills port 15008"),
  GAVE_WAY(
      "it gave way to newer ones, of which there were too many; look for who fills port 15008"),
  SOURCE_LIMIT("the peer's identity holds more than its share of the pod's HBONE connections"),
  CONNECTION_LIMIT("the pod holds as many HBONE connections as it may"),
  CONNECTION_LOST("the connection ended during the handshake"),
  INTERNAL("our own side failed; see the log");

  private final String explanation;

  TlsReason(String explanation) {
    this.explanation = explanation;
  }

  TlsReason(SvidReason judged) {
    this(judged.explanation());
  }

  /** The same word for a chain that was refused. */
  static TlsReason of(SvidReason judged) {
    return switch (judged) {
      case NO_CERTIFICATE -> NO_CERTIFICATE;
      case CHAIN_TOO_LONG -> CHAIN_TOO_LONG;
      case UNREADABLE -> UNREADABLE;
      case NOT_AN_SVID -> NOT_AN_SVID;
      case WRONG_PURPOSE -> WRONG_PURPOSE;
      case WEAK -> WEAK;
      case NOT_YET_VALID -> NOT_YET_VALID;
      case EXPIRED -> EXPIRED;
      case FOREIGN_TRUST_DOMAIN -> FOREIGN_TRUST_DOMAIN;
      case NAME_CONSTRAINED -> NAME_CONSTRAINED;
      case UNTRUSTED -> UNTRUSTED;
    };
  }

  /** Half a sentence for people. */
  public String explanation() {
    return explanation;
  }

  /** Value of the metric label {@code reason}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
