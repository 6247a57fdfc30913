package io.sluice.mesh;

/**
 * Where nodes send the lines of all pods, and of which traces.
 *
 * @param endpoint path at the collector that takes them
 * @param authorization value of the field {@code authorization} that it is asked with, a secret;
 *     empty for none
 * @param sampledFraction of requests, by their traces, and of connections, 0 to 1
 */
public record RemoteLogging(
    NamedServer collector, String endpoint, String authorization, double sampledFraction) {
  /** Where a MeshConfig names no port, as of osm-edge and FSM. */
  public static final int DEFAULT_PORT = 30_514;

  /** Of {@link #authorization}. */
  public static final int MOST_CHARACTERS = 4_096;

  public RemoteLogging {
    Tracing.requirePath(endpoint);
    Tracing.requireFraction(sampledFraction);
    requireAuthorization(authorization);
  }

  /**
   * Throws where a collector cannot be asked with it.
   *
   * @throws IllegalArgumentException whose message does not tell the secret
   */
  public static void requireAuthorization(String authorization) {
    if (authorization.length() > MOST_CHARACTERS
        || !authorization.matches("([!-~]([ -~]*[!-~])?)?")) {
      throw new IllegalArgumentException(
          "it is no value of a field of HTTP with at most " + MOST_CHARACTERS + " characters");
    }
  }

  /** Without the secret. */
  @Override
  public String toString() {
    String secret = authorization.isEmpty() ? "" : ", with a secret";
    return "RemoteLogging[" + collector + ", " + endpoint + ", " + sampledFraction + secret + "]";
  }
}
