package io.sluice.node;

import java.util.Optional;
import java.util.function.Supplier;

/**
 * Whether the daemon does all that it was asked for. It is asked anew each time, since what a
 * running daemon needs of its node may go and come. Any thread.
 */
final class Readiness {
  private volatile boolean isStarted;
  private volatile Supplier<Optional<String>> other = Optional::empty;

  /** {@code missing} says what is not as it was asked for, and what mends it. */
  void require(Supplier<Optional<String>> missing) {
    other = missing;
  }

  /** Every pod that can be enrolled is in force. */
  void started() {
    isStarted = true;
  }

  /** The daemon ends. */
  void ended() {
    isStarted = false;
  }

  boolean isReady() {
    return missing().isEmpty();
  }

  /** Why it is not ready; nothing where it is. */
  Optional<String> missing() {
    return isStarted ? other.get() : Optional.of("the daemon starts, or ends");
  }
}
