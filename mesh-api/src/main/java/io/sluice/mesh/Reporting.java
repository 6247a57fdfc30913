package io.sluice.mesh;

import org.jspecify.annotations.Nullable;

/**
 * What nodes tell collectors of requests and connections, and how much.
 *
 * @param tracingOrNull {@code tracing}: where spans are reported; null where that is off
 * @param linesOrNull {@code remoteLogging}: where lines of all pods are sent; likewise
 * @param budget {@code budget}: octets that one node exchanges with all collectors in any 24 hours
 *     at most; {@link #NO_BUDGET} for any number
 */
public record Reporting(
    @Nullable Tracing tracingOrNull, @Nullable RemoteLogging linesOrNull, long budget) {
  /** There is no limit. */
  public static final long NO_BUDGET = 0;

  /** Smallest limit: what is sent at once has to be a small part of it. */
  public static final long LEAST_BUDGET = 1L << 20;

  /** Largest limit. */
  public static final long MOST_BUDGET = 1L << 40;

  /** Nothing, but what Telemetries name collectors for. */
  public static final Reporting NONE = new Reporting(null, null, NO_BUDGET);

  public Reporting {
    if (budget != NO_BUDGET && (budget < LEAST_BUDGET || budget > MOST_BUDGET)) {
      throw new IllegalArgumentException(budget + " octets a day are outside 1Mi..1Ti");
    }
  }
}
