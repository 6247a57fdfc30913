package io.sluice.control.lease;

import java.time.Duration;

/**
 * Times of a Lease. A request that the holder began while it held the Lease has ended before
 * another can take it: {@code renewFor} and {@code request} together are shorter than {@code
 * duration}.
 *
 * @param duration for how long others leave a Lease alone that is not renewed
 * @param renewFor for how long a renewal is relied on by the holder, from before it was sent
 * @param renew between two renewals
 * @param pause between two looks of those who do not hold it, and before a renewal that failed is
 *     tried again
 * @param request longest request, of renewals and of all that the holder writes
 */
public record LeaseTimes(
    Duration duration, Duration renewFor, Duration renew, Duration pause, Duration request) {
  /**
   * A third of the writes of the Kubernetes components, which renew every 2 s and take over after
   * 15 s. A renewal that fails has room for one more within {@code renewFor}.
   */
  public static final LeaseTimes USUAL =
      new LeaseTimes(
          Duration.ofSeconds(20),
          Duration.ofSeconds(15),
          Duration.ofSeconds(6),
          Duration.ofSeconds(2),
          Duration.ofSeconds(4));

  public LeaseTimes {
    if (renewFor.plus(request).compareTo(duration) >= 0) {
      throw new IllegalArgumentException(
          "a write that begins %s after a renewal and takes %s outlives a lease of %s"
              .formatted(renewFor, request, duration));
    }
    if (renew.compareTo(renewFor) >= 0 || pause.compareTo(renew) > 0) {
      throw new IllegalArgumentException(
          "a lease that is relied on for %s is renewed more often than every %s, and looked at at least every %s"
              .formatted(renewFor, renew, pause));
    }
  }
}
