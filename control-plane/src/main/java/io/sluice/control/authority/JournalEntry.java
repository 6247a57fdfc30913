package io.sluice.control.authority;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import java.math.BigInteger;
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
  /** The entry for {@code issued}. */
  public static JournalEntry of(Instant issuedAt, IssuedCertificate issued, String requester) {
    return new JournalEntry(
        issuedAt,
        issued.serial(),
        issued.identity().toString(),
        issued.notAfter(),
        requester,
        issued.leaf().getIssuerX500Principal().getName());
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
