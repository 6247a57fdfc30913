package io.sluice.cni.install;

import java.time.Duration;

/**
 * How patient a {@link ConfigurationWatch} is.
 *
 * @param pollInterval how often it looks though the kernel reported nothing
 * @param primaryGrace how long the primary configuration may be gone before ours is taken away
 */
public record WatchSettings(Duration pollInterval, Duration primaryGrace) {
  /** Thirty seconds each: longer than an installer takes that removes its file and writes it. */
  public static final WatchSettings DEFAULT =
      new WatchSettings(Duration.ofSeconds(30), Duration.ofSeconds(30));

  /**
   * @throws IllegalArgumentException when there is no time between two looks, or a negative one
   */
  public WatchSettings {
    if (!pollInterval.isPositive() || primaryGrace.isNegative()) {
      throw new IllegalArgumentException(
          "poll interval "
              + pollInterval
              + " has to be positive, grace "
              + primaryGrace
              + " not "
              + "negative");
    }
  }
}
