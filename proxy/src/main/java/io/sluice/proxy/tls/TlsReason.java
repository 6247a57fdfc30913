package io.sluice.proxy.tls;

import java.util.Locale;

/** Why a TLS connection did not come about, or was ended: one word for log and metrics. */
public enum TlsReason {
  NO_CERTIFICATE("the peer presented no certificate"),
  EXPIRED("a certificate of the peer has expired; compare the clocks, then look at its renewal"),
  NOT_YET_VALID("a certificate of the peer is not valid yet; compare the clocks"),
  UNTRUSTED("the peer's chain does not lead to the bundle of its trust domain"),
  FOREIGN_TRUST_DOMAIN("there is no bundle for the peer's trust domain"),
  NOT_AN_SVID("the peer's certificate breaks a rule of SPIFFE X.509-SVIDs"),
  WRONG_PURPOSE("the peer's certificate is not for this side of a connection"),
  WRONG_IDENTITY("the peer is not one of those expected at this destination"),
  DENIED("the peer's identity or certificate is on the deny list"),
  REFUSED_BY_PEER("the peer refused our certificate or parameters; its own log says why"),
  PROTOCOL("the peer does not speak TLS 1.3 with HTTP/2 as we do"),
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

  /** Half a sentence for people. */
  public String explanation() {
    return explanation;
  }

  /** Value of the metric label {@code reason}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
