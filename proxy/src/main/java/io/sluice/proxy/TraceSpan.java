package io.sluice.proxy;

/**
 * Which span of which trace an exchange is at one of its two ends.
 *
 * @param traceHigh first half of the trace's id; 0 of one that has 64 bits
 * @param traceLow second half, never 0 with the first
 * @param id never 0
 * @param parent span of who asks; 0 where the trace begins here
 * @param flags {@link #SAMPLED} and the like
 */
public record TraceSpan(long traceHigh, long traceLow, long id, long parent, int flags) {
  /** Whoever has a part in the trace reports it, as {@code trace-flags} have it (W3C). */
  public static final int SAMPLED = 1;

  /** The trace's id was made by chance (W3C Trace Context Level 2). */
  public static final int RANDOM = 2;

  /** All that {@code traceparent} and OTLP have. */
  public static final int W3C_FLAGS = SAMPLED | RANDOM;

  /** Debug, as of B3. */
  public static final int DEBUG = 4;

  /**
   * Whether a trace is of a part of all, by its id: whoever asks about it has the same answer.
   *
   * @param part 0 to 1
   */
  public static boolean isOfPart(long traceLow, double part) {
    return part >= 1 || (traceLow & Long.MAX_VALUE) < (long) (part * Long.MAX_VALUE);
  }

  /** Whether the trace is reported. */
  public boolean isSampled() {
    return (flags & SAMPLED) != 0;
  }
}
