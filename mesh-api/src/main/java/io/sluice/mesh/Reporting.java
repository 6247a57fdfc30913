package io.sluice.mesh;

import org.jspecify.annotations.Nullable;

/**
 * What nodes tell collectors of requests and connections, and how much.
 *
 * @param tracingOrNull {@code tracing}: where spans are reported; null where that is off
 * @param remoteLoggingOrNull {@code remoteLogging}: where lines of all pods are sent; likewise
 * @param octetsPerDay {@code budget}: how many one node exchanges with all collectors in any 24
 *     hours at most; {@link #NO_BUDGET} for any number
 */
public record Reporting(
    @Nullable Tracing tracingOrNull,
    @Nullable RemoteLogging remoteLoggingOrNull,
    long octetsPerDay) {
  /** There is no limit. */
  public static final long NO_BUDGET = 0;

  /** Smallest limit: what is sent at once has to be a small part of it. */
  public static final long LEAST_BUDGET = 1L << 20;

  /** Largest limit. */
  public static final long MOST_BUDGET = 1L << 40;

  /** Nothing, but what Telemetries name collectors for. */
  public static final Reporting NONE = new Reporting(null, null, NO_BUDGET);

  public Reporting {
    if (octetsPerDay != NO_BUDGET && (octetsPerDay < LEAST_BUDGET || octetsPerDay > MOST_BUDGET)) {
      throw new IllegalArgumentException(octetsPerDay + " octets a day are outside 1Mi..1Ti");
    }
  }
}
