package io.sluice.mesh;

import java.time.Duration;

/**
 * How an endpoint that has become ready gets its full share of the calls: little by little, as
 * Envoy's slow start has it.
 *
 * @param readySecond when it became ready, in seconds since 1970; 0 where nobody says
 * @param duration until it has {@code maxPercent}, {@link #SHORTEST} to {@link #LONGEST}; from then
 *     on it counts as any other
 * @param minPercent what it has at least of the share of a warm one, 0 to 100
 * @param maxPercent what it has at most until {@code duration} is over, {@code minPercent} to 100
 * @param aggression 1 grows evenly; the more above, the more of it comes early; up to {@link
 *     #MOST_AGGRESSION}
 */
public record WarmUp(
    long readySecond, Duration duration, int minPercent, int maxPercent, double aggression) {
  /** Of one that is warm. */
  public static final double FULL_PERCENT = 100;

  public static final Duration SHORTEST = Duration.ofSeconds(1);

  /** What is kept of endpoints that warm up is kept for so long. */
  public static final Duration LONGEST = Duration.ofHours(1);

  public static final double MOST_AGGRESSION = 100;

  public WarmUp {
    if (readySecond < 0) {
      throw new IllegalArgumentException("nothing became ready before 1970");
    }
    if (duration.compareTo(SHORTEST) < 0 || duration.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException("the duration is outside 1s to 1h");
    }
    if (minPercent < 0 || maxPercent < Math.max(1, minPercent) || maxPercent > FULL_PERCENT) {
      throw new IllegalArgumentException("the weights are not 0 to 100, the lesser one first");
    }
    if (!(aggression >= 1 && aggression <= MOST_AGGRESSION)) {
      throw new IllegalArgumentException("the aggression is outside 1 to 100");
    }
  }

  /** The same of an endpoint that has been ready since then. */
  public WarmUp since(long second) {
    return new WarmUp(second, duration, minPercent, maxPercent, aggression);
  }

  /** Its share so long after it became ready, as a percentage of a warm one's. */
  public double percentAfter(long nanos) {
    long whole = duration.toNanos();
    if (nanos >= whole) {
      return FULL_PERCENT;
    }
    double part = Math.pow(Math.max(0, nanos) / (double) whole, 1 / aggression);
    return Math.max(minPercent, maxPercent * part);
  }
}
