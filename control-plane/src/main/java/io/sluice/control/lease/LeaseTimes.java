package io.sluice.control.lease;

import java.time.Duration;

/**
 * Times of a Lease. A request that the holder began while it held the Lease has ended before
 * another can take it: {@code renewFor} and {@code request} together are shorter than {@code
 * duration}.
 *
 * @param duration for how long others leave a Lease alone that is not renewed
 * @param renewFor for how long a renewal is relied on by the holder, from before it was sent
 * @param pause between two renewals, or two looks
 * @param request longest request, of renewals and of all that the holder writes
 */
public record LeaseTimes(Duration duration, Duration renewFor, Duration pause, Duration request) {
  /** Those of the Kubernetes components. */
  public static final LeaseTimes USUAL =
      new LeaseTimes(
          Duration.ofSeconds(15),
          Duration.ofSeconds(10),
          Duration.ofSeconds(2),
          Duration.ofSeconds(4));

  public LeaseTimes {
    if (renewFor.plus(request).compareTo(duration) >= 0) {
      throw new IllegalArgumentException(
          "a write that begins "
              + renewFor
              + " after a renewal and takes "
              + request
              + " outlives a lease of "
              + duration);
    }
    if (pause.compareTo(renewFor) >= 0) {
      throw new IllegalArgumentException(
          "a lease that is relied on for "
              + renewFor
              + " is renewed more often than every "
              + pause);
    }
  }
}
