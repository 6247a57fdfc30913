package io.sluice.control.authority.builtin;

import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What the built-in authority can be told.
 *
 * @param directory where keys and state are; made if absent
 * @param profile trust domain and form of certificates
 * @param signingKey kind of the keys that the authority makes for itself from now on
 * @param longestLeaf greatest lifetime it signs, at most {@link
 *     CertificateRequest#LONGEST_LIFETIME}; a replaced root is trusted for that much longer, so do
 *     not lower it within that time before a rotation
 * @param distributeFor how long a new root is made known before it signs
 */
public record BuiltInSettings(
    Path directory,
    SvidProfile profile,
    SigningKey signingKey,
    Duration longestLeaf,
    Duration distributeFor) {
  /** Lifetime of a root that the authority makes. */
  public static final Duration ROOT_LIFETIME = Duration.ofDays(3653);

  /** Lifetime of an intermediate; the next one is made at two thirds of it. */
  public static final Duration INTERMEDIATE_LIFETIME = Duration.ofDays(365);

  public BuiltInSettings {
    if (longestLeaf.compareTo(CertificateRequest.SHORTEST_LIFETIME) < 0
        || longestLeaf.compareTo(CertificateRequest.LONGEST_LIFETIME) > 0) {
      throw new IllegalArgumentException(
          "the longest leaf must be "
              + CertificateRequest.SHORTEST_LIFETIME
              + " to "
              + CertificateRequest.LONGEST_LIFETIME
              + ", not "
              + longestLeaf);
    }
    requireDistribution(distributeFor);
  }

  static void requireDistribution(Duration time) {
    if (time.isNegative() || time.compareTo(Duration.ofDays(365)) > 0) {
      throw new IllegalArgumentException("a root is distributed for at most a year, not " + time);
    }
  }
}
