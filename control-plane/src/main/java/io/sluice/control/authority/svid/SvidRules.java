package io.sluice.control.authority.svid;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.svid.SvidJudge;
import java.math.BigInteger;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Whether a chain is what was asked for: besides what the judge of all chains looks at, it names
 * nothing else, is for the key that was proven, and lives no longer. Any thread.
 */
public final class SvidRules {
  /** What was asked for, and by which roots it has to be covered. */
  public record Expectation(
      SpiffeId identity, PublicKey key, Duration lifetime, Collection<X509Certificate> roots) {}

  private static final int LONGEST_SERIAL_BITS = 159;
  private static final String KEY_USAGE = "2.5.29.15";
  private static final String EXTENDED_KEY_USAGE = "2.5.29.37";
  private static final int DNS_NAME = 2; // GeneralName, RFC 5280 §4.2.1.6
  private static final int URI = 6;

  private SvidRules() {}

  /**
   * The first rule that {@code chain} breaks, as a clause for a message; empty when it breaks none.
   *
   * @param chain leaf first, without the root
   */
  public static Optional<String> violation(
      List<X509Certificate> chain, Expectation expected, Instant now) {
    SpiffeId identity = expected.identity();
    try {
      SpiffeId named = SvidJudge.identity(chain);
      if (!named.equals(identity)) {
        return Optional.of("it names " + named + " instead of " + identity);
      }
      SvidJudge.of(identity.trustDomain(), expected.roots()).prove(chain, SvidJudge.BOTH, now);
      return leafViolation(chain.getFirst(), expected, now);
    } catch (CertificateException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private static Optional<String> leafViolation(
      X509Certificate leaf, Expectation expected, Instant now) throws CertificateException {
    Collection<List<?>> names = leaf.getSubjectAlternativeNames();
    Optional<String> dnsName = SvidProfile.dnsName(expected.identity());
    // That the extension is critical where the subject is empty, the JDK's parser demands.
    boolean othersAsked =
        names.stream()
            .filter(name -> !name.getFirst().equals(URI)) // the one that was judged
            .allMatch(name ->
                name.getFirst().equals(DNS_NAME)
                    && dnsName.filter(name.getLast()::equals).isPresent());
    Instant latest = now.plus(expected.lifetime()).plus(SvidProfile.CLOCK_SKEW);
    BigInteger serial = leaf.getSerialNumber();
    return violated(!othersAsked, "it carries names that were not asked for: " + names)
        .or(() ->
            violated(!leaf.getCriticalExtensionOIDs().contains(KEY_USAGE), "no critical key usage"))
        .or(() ->
            violated(
                leaf.getExtensionValue(EXTENDED_KEY_USAGE) == null,
                "it is not for both server and client authentication"))
        .or(() -> violated(!leaf.getPublicKey().equals(expected.key()), "it is for another key"))
        .or(() ->
            violated(
                serial.signum() <= 0 || serial.bitLength() > LONGEST_SERIAL_BITS,
                "its serial is not positive or longer than 20 octets"))
        .or(() ->
            violated(
                leaf.getNotAfter().toInstant().isAfter(latest),
                "it lives until " + leaf.getNotAfter().toInstant() + ", longer than asked"));
  }

  private static Optional<String> violated(boolean broken, String rule) {
    return broken ? Optional.of(rule) : Optional.empty();
  }
}
