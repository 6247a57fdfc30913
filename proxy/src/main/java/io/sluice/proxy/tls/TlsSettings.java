package io.sluice.proxy.tls;

import java.time.Duration;

/**
 * Limits of handshakes.
 *
 * @param handshakeTimeout from the connection to the last message of the handshake; 100 ms to 1 min
 * @param clockSkew by how much clocks of nodes may differ when validity is judged; up to 1 h
 */
public record TlsSettings(Duration handshakeTimeout, Duration clockSkew) {
  private static final Duration MAX_HANDSHAKE = Duration.ofMinutes(1);
  private static final Duration MIN_HANDSHAKE = Duration.ofMillis(100);
  private static final Duration MAX_SKEW = Duration.ofHours(1);

  /**
   * Five seconds are ten round trips of a bad link; a minute of skew is what unsynchronised small
   * boards show soon after they start.
   */
  public static final TlsSettings DEFAULTS =
      new TlsSettings(Duration.ofSeconds(5), Duration.ofMinutes(1));

  public TlsSettings {
    if (handshakeTimeout.compareTo(MIN_HANDSHAKE) < 0
        || handshakeTimeout.compareTo(MAX_HANDSHAKE) > 0) {
      throw new IllegalArgumentException(
          "handshakeTimeout is "
              + handshakeTimeout
              + "; allowed: "
              + MIN_HANDSHAKE
              + ".."
              + MAX_HANDSHAKE);
    }
    if (clockSkew.isNegative() || clockSkew.compareTo(MAX_SKEW) > 0) {
      throw new IllegalArgumentException(
          "clockSkew is " + clockSkew + "; allowed: PT0S.." + MAX_SKEW);
    }
  }
}
