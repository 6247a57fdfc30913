package io.sluice.control.authority;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.math.BigInteger;
import java.security.cert.X509Certificate;
import java.time.Instant;

/**
 * One certificate that was handed out.
 *
 * @param identity as text, because trust domains and forms outlive settings
 * @param issuer subject of the certificate that signed it
 */
public record JournalEntry(
    Instant issuedAt,
    BigInteger serial,
    String identity,
    Instant notAfter,
    String requester,
    String issuer) {
  /** The entry for {@code leaf}. */
  public static JournalEntry of(
      Instant issuedAt, X509Certificate leaf, String identity, String requester) {
    return new JournalEntry(
        issuedAt,
        leaf.getSerialNumber(),
        identity,
        leaf.getNotAfter().toInstant(),
        requester,
        leaf.getIssuerX500Principal().getName());
  }

  /** As one line of JSON; the serial in lower-case hexadecimal, times in ISO 8601 UTC. */
  String line() {
    return JsonNodeFactory.instance
            .objectNode()
            .put("issuedAt", issuedAt.toString())
            .put("serial", serial.toString(16))
            .put("identity", identity)
            .put("notAfter", notAfter.toString())
            .put("requester", requester)
            .put("issuer", issuer)
        + "\n";
  }
}
