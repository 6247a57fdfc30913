package io.sluice.control.limit;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;

/**
 * How often each of many may do something: a bucket for each key, full at first, which gains one
 * every so often. Any thread.
 *
 * @param <K> who is counted; a value
 */
public final class Allowances<K> {
  private final int burst;
  private final Duration refill;
  private final InstantSource clock;
  private final Map<K, Bucket> buckets;

  /**
   * @param burst most at once, at least 1
   * @param refill time after which one more is allowed; positive
   * @param mostKeys how many keys are remembered; the one used longest ago is forgotten
   */
  public Allowances(int burst, Duration refill, int mostKeys, InstantSource clock) {
    if (burst < 1 || !refill.isPositive() || mostKeys < 1) {
      throw new IllegalArgumentException("burst, refill and number of keys must be positive");
    }
    this.burst = burst;
    this.refill = refill;
    this.clock = clock;
    this.buckets = BoundedMap.byUse(mostKeys);
  }

  /** Takes one of {@code key}'s; false where none is left now. */
  public synchronized boolean take(K key) {
    Bucket bucket = filled(key);
    buckets.put(key, bucket.left > 0 ? new Bucket(bucket.left - 1, bucket.since) : bucket);
    return bucket.left > 0;
  }

  /** Returns one that was taken for something that does not count. */
  public synchronized void giveBack(K key) {
    Bucket bucket = filled(key);
    buckets.put(key, new Bucket(Math.min(burst, bucket.left + 1), bucket.since));
  }

  private Bucket filled(K key) {
    Instant now = clock.instant();
    Bucket bucket = buckets.get(key);
    if (bucket == null || now.isBefore(bucket.since)) {
      // A clock that was set back would otherwise stop the refill for as long.
      return new Bucket(bucket == null ? burst : bucket.left, now);
    }
    long gained = Duration.between(bucket.since, now).dividedBy(refill);
    return gained >= burst - bucket.left
        ? new Bucket(burst, now)
        : new Bucket(bucket.left + (int) gained, bucket.since.plus(refill.multipliedBy(gained)));
  }

  /** What was left at an instant. */
  private record Bucket(int left, Instant since) {}
}
