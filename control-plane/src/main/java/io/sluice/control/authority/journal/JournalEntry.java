package io.sluice.control.authority.journal;

import io.sluice.control.authority.IssuedCertificate;
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
}
