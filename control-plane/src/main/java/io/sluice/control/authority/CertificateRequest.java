package io.sluice.control.authority;

import io.sluice.mesh.SpiffeId;
import java.time.Duration;

/**
 * One wish for a certificate.
 *
 * @param identity what the certificate is to prove; the asker has been admitted for it
 * @param proof the PKCS#10 request, whose signature has been verified
 * @param lifetime from now to not-after; {@link #SHORTEST_LIFETIME} to {@link #LONGEST_LIFETIME}
 * @param requester who asked, such as the node's name; for the journal, at most 256 characters
 */
public record CertificateRequest(
    SpiffeId identity, SigningRequest proof, Duration lifetime, String requester) {
  /** Short enough to test renewal, long enough to get the certificate to its node. */
  public static final Duration SHORTEST_LIFETIME = Duration.ofSeconds(60);

  /** What is usual for a leaf: a stolen key is worth little the day after. */
  public static final Duration DEFAULT_LIFETIME = Duration.ofHours(24);

  /** A site without its controller for a week still works. */
  public static final Duration LONGEST_LIFETIME = Duration.ofDays(7);

  private static final int LONGEST_REQUESTER = 256;

  public CertificateRequest {
    if (lifetime.compareTo(SHORTEST_LIFETIME) < 0 || lifetime.compareTo(LONGEST_LIFETIME) > 0) {
      throw new AuthorityException(
          AuthorityException.Reason.LIFETIME_REFUSED,
          "certificate for " + identity,
          "a lifetime of " + lifetime + " is asked for",
          "ask for " + SHORTEST_LIFETIME + " to " + LONGEST_LIFETIME);
    }
    if (requester.isBlank() || requester.length() > LONGEST_REQUESTER) {
      throw new IllegalArgumentException(
          "requester must be 1 to " + LONGEST_REQUESTER + " characters, not " + requester.length());
    }
  }
}
