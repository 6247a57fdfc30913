package io.sluice.node;

import io.sluice.node.fault.FaultPoint;
import io.sluice.node.handover.HandOverException;
import io.sluice.node.handover.Predecessor;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.interception.InheritedListeners;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The right to be the daemon of a node: the locks on its name and its state, and what the daemon
 * left that had it before. For one thread, but for {@link #isVacant}.
 */
final class NodePlace implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final StateLock state;
  private final StateLock node;
  private final Optional<Predecessor> predecessor;

  private NodePlace(StateLock state, StateLock node, Optional<Predecessor> predecessor) {
    this.state = state;
    this.node = node;
    this.predecessor = predecessor;
  }

  /**
   * Takes the place, from the daemon that runs where {@link NodeSettings#takeOver} says so.
   *
   * @throws IllegalStateException when another daemon holds it
   * @throws HandOverException when that daemon should hand over and does not
   */
  static NodePlace take(NodeSettings settings) {
    Optional<Predecessor> predecessor =
        settings.takeOver() ? predecessor(settings.nodeName()) : Optional.empty();
    predecessor.ifPresent(_ -> FaultPoint.PLACE_TAKEN.reached());
    try {
      StateLock state = StateLock.ofState(settings.stateDirectory());
      try {
        return new NodePlace(state, StateLock.ofNode(settings.nodeName()), predecessor);
      } catch (RuntimeException e) {
        state.close();
        throw e;
      }
    } catch (RuntimeException e) {
      predecessor.ifPresent(Predecessor::close);
      throw e;
    }
  }

  /** A daemon that is starting or ending holds the lock, and does not listen yet or any more. */
  private static Optional<Predecessor> predecessor(String nodeName) {
    Path socket = NodeSettings.handOverSocket(nodeName);
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      Optional<Predecessor> asked = Predecessor.askToLeave(socket);
      if (asked.isPresent() || isVacant(nodeName)) {
        return asked;
      }
      if (System.nanoTime() - deadline >= 0) {
        throw new IllegalStateException(
            "another daemon of node '"
                + nodeName
                + "' runs and nobody listens at "
                + socket
                + ", where it would hand over; stop it, then start this one");
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }

  /** Whether no daemon has the node's place; any thread. */
  static boolean isVacant(String nodeName) {
    return !StateLock.isNodeHeld(nodeName);
  }

  /** Listeners that were left, until {@link #settle}. */
  InheritedListeners listeners() {
    return predecessor.map(Predecessor::listeners).orElseGet(InheritedListeners::new);
  }

  /** Certificates of pods that were left, with their keys. */
  List<Credential> credentials() {
    return predecessor.map(Predecessor::credentials).orElse(List.of());
  }

  /** Everything that was left is in use now; what is not goes. */
  void settle() {
    predecessor.ifPresent(Predecessor::release);
  }

  /** Gives the place up. */
  @Override
  public void close() {
    predecessor.ifPresent(Predecessor::close);
    node.close();
    state.close();
  }
}
