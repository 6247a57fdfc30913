package io.sluice.mesh;

import java.util.Map;
import java.util.TreeMap;

/**
 * How long requests took: how many about so many microseconds. Of counters that are read one after
 * the other, or began anew, some may have gone back; those count as none. One thread.
 */
public final class Durations {
  private final TreeMap<Long, Long> counts = new TreeMap<>();

  /** So many more took about as long; fewer, where {@code count} is negative. */
  public void add(long micros, long count) {
    counts.merge(micros, count, Long::sum);
  }

  /** How many there are. */
  public long count() {
    return counts.values().stream().mapToLong(count -> Math.max(0, count)).sum();
  }

  /** What no more than this part took longer than; 0 where there are none. */
  public long quantileMicros(double quantile) {
    long rank = Math.max(1, (long) Math.ceil(quantile * count()));
    long seen = 0;
    for (Map.Entry<Long, Long> each : counts.entrySet()) {
      seen += Math.max(0, each.getValue());
      if (seen >= rank) {
        return each.getKey();
      }
    }
    return 0;
  }
}
