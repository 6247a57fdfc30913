package io.sluice.node;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/**
 * Whether the daemon does all that it was asked for. It is asked anew each time, since what a
 * running daemon needs of its node may go and come. Any thread.
 */
final class Readiness {
  private volatile boolean isStarted;
  private final List<Supplier<Optional<String>>> others = new CopyOnWriteArrayList<>();

  /** {@code missing} says what is not as it was asked for, and what mends it. */
  void require(Supplier<Optional<String>> missing) {
    others.add(missing);
  }

  /** Every pod that can be enrolled is in force. */
  void started() {
    isStarted = true;
  }

  /** The daemon ends. */
  void ended() {
    isStarted = false;
  }

  /** Why it is not ready; nothing where it is. */
  Optional<String> missing() {
    return isStarted
        ? others.stream().flatMap(other -> other.get().stream()).findFirst()
        : Optional.of("the daemon starts, or ends");
  }
}
