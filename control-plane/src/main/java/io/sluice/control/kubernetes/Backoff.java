package io.sluice.control.kubernetes;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Pauses between failed tries: each up to twice as long as the one before, half of it at random, so
 * that the watches of several kinds do not come back in step. Confined to one thread.
 */
public final class Backoff {
  private final Duration shortest;
  private final Duration longest;
  private int failures;

  /** Without a failure yet. */
  public Backoff(Duration shortest, Duration longest) {
    this.shortest = shortest;
    this.longest = longest;
  }

  /** Number of failures since the last success. */
  int failures() {
    return failures;
  }

  /** The next pause is a short one again. */
  public void succeeded() {
    failures = 0;
  }

  /** The pause after a failure of the API server; no shorter than it asked for. */
  public Duration failed(KubernetesApiException failure) {
    Duration pause = failed();
    return pause.compareTo(failure.retryAfter()) < 0 ? failure.retryAfter() : pause;
  }

  /** The pause after one more failure. */
  public Duration failed() {
    int doublings = Math.min(failures++, 20);
    long full = Math.min(shortest.toNanos() << doublings, longest.toNanos());
    return Duration.ofNanos(full / 2 + ThreadLocalRandom.current().nextLong(full / 2 + 1));
  }
}
