package io.sluice.mesh;

import java.time.Duration;

/**
 * How the proxy carries the connections of one workload, and counts them.
 *
 * @param idleTimeout a connection without a byte for so long is reset; zero means never. Whole
 *     seconds, up to {@link #MAX_IDLE}
 * @param sameNodeMtls whether those within the node have mutual TLS; counts only while the mesh has
 *     it
 * @param localProxyMode where connections to it find the application
 * @param measured whether the node that runs it tells of it by name in its metrics
 */
public record ConnectionSettings(
    Duration idleTimeout,
    SameNodeMtls sameNodeMtls,
    LocalProxyMode localProxyMode,
    boolean measured) {
  /** The longest idle time-out that is told from none. */
  public static final Duration MAX_IDLE = Duration.ofDays(30);

  /** What holds where nobody says anything. */
  public static final ConnectionSettings DEFAULT =
      new ConnectionSettings(Duration.ZERO, SameNodeMtls.DISABLED, LocalProxyMode.LOCALHOST, true);

  public ConnectionSettings {
    if (idleTimeout.isNegative()
        || idleTimeout.compareTo(MAX_IDLE) > 0
        || idleTimeout.getNano() != 0) {
      throw new IllegalArgumentException(
          "the idle time-out " + idleTimeout + " is not whole seconds up to " + MAX_IDLE);
    }
  }
}
