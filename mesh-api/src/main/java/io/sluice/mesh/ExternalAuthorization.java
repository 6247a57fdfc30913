package io.sluice.mesh;

/**
 * Who is asked about every request that arrives at a pod, by Envoy's protocol of external
 * authorisation over gRPC.
 *
 * @param statPrefix told with what is counted
 * @param timeoutMillis for how long an answer is waited for
 * @param failOpen whether a request goes on that nobody has answered for
 */
public record ExternalAuthorization(
    NamedServer server, String statPrefix, long timeoutMillis, boolean failOpen) {
  /** Of {@link #statPrefix}, where nothing is said. */
  public static final String DEFAULT_STAT_PREFIX = "inboundExtAuthz";

  /** Of {@link #timeoutMillis}, where nothing is said. */
  public static final long DEFAULT_TIMEOUT_MILLIS = 1_000;

  /** Characters of what is told with counts. */
  public static final int MOST_CHARACTERS = 253;

  public ExternalAuthorization {
    if (statPrefix.length() > MOST_CHARACTERS) {
      throw new IllegalArgumentException("a prefix has at most " + MOST_CHARACTERS + " characters");
    }
    NamedServer.requireTimeout(timeoutMillis);
  }
}
