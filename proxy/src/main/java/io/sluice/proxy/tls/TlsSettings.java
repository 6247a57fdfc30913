package io.sluice.proxy.tls;

import java.time.Duration;

/**
 * Limits of handshakes.
 *
 * @param handshakeTimeout to the end of the handshake: from the ClientHello at a server of HBONE,
 *     else from when a ClientHello may be sent; 100 ms to 1 min
 */
public record TlsSettings(Duration handshakeTimeout) {
  private static final Duration MAX_HANDSHAKE = Duration.ofMinutes(1);
  private static final Duration MIN_HANDSHAKE = Duration.ofMillis(100);

  /** Five seconds are ten round trips of a bad link. */
  public static final TlsSettings DEFAULTS = new TlsSettings(Duration.ofSeconds(5));

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
  }
}
