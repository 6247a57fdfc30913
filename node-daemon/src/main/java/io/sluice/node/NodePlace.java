package io.sluice.node;

import io.sluice.interception.InheritedListeners;
import io.sluice.node.fault.FaultPoint;
import io.sluice.node.handover.HandOverException;
import io.sluice.node.handover.Predecessor;
import io.sluice.node.identity.x509.Credential;
import io.sluice.process.ProcessLock;
import io.sluice.proxy.admission.Remembered;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The right to be the daemon of a node: the locks on its name and its state, and what the daemon
 * left that had it before. For one thread, but for {@link #isVacant}.
 */
final class NodePlace implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final NodeSettings settings;
  private final InheritedListeners listeners = new InheritedListeners();
  private @Nullable ProcessLock state;
  private @Nullable ProcessLock node;
  private @Nullable Predecessor predecessor;

  private NodePlace(NodeSettings settings) {
    this.settings = settings;
  }

  /**
   * Takes the place where nobody is asked for it. Where another daemon is to be asked, it keeps it
   * until {@link #take}, and this returns when it can be asked.
   *
   * @throws IllegalStateException when another daemon holds the place and is not to be asked, or
   *     cannot be
   */
  static NodePlace approach(NodeSettings settings) {
    NodePlace place = new NodePlace(settings);
    if (!settings.takeOver() || !canBeAsked(settings.nodeName())) {
      try {
        place.lock();
      } catch (RuntimeException e) {
        place.close();
        throw e;
      }
    }
    return place;
  }

  /** A daemon that is starting or ending holds the lock, and does not listen yet or any more. */
  private static boolean canBeAsked(String nodeName) {
    Path socket = NodeSettings.handOverSocket(nodeName);
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!Predecessor.listensAt(socket)) {
      if (isVacant(nodeName)) {
        return false;
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
    return true;
  }

  /**
   * Takes the place, from the daemon that has it if there is one. That one still accepts, if it
   * understands all that this one puts in force.
   *
   * @param interception names what it has to understand
   * @throws IllegalStateException when another daemon holds it
   * @throws HandOverException when that daemon should hand over and does not
   */
  void take(String interception) {
    if (node != null) {
      return;
    }
    if (canBeAsked(settings.nodeName())) { // it may have gone since
      predecessor =
          Predecessor.askToLeave(
                  NodeSettings.handOverSocket(settings.nodeName()), interception, listeners)
              .orElse(null);
      FaultPoint.PLACE_TAKEN.reached();
    }
    lock();
  }

  /**
   * Lets the daemon that had the place accept nothing more; returns when that is so.
   *
   * @throws HandOverException when it does not stop
   */
  void stopOther() {
    if (predecessor != null) {
      predecessor.stop();
      FaultPoint.ALONE.reached();
    }
  }

  /** Whether the daemon that had the place accepts until {@link #stopOther}. */
  boolean isAcceptedByOther() {
    return predecessor != null && predecessor.accepts();
  }

  /** Where the second one fails, the first is given up with the place. */
  private void lock() {
    state = StateLock.ofState(settings.stateDirectory());
    node = StateLock.ofNode(settings.nodeName());
    note(NodeSettings.stateNote(settings.nodeName()), settings.stateDirectory());
  }

  /** For people and commands that come when the daemon is dead. */
  static void note(Path note, Path directory) {
    try {
      Files.deleteIfExists(note);
      Files.createSymbolicLink(note, directory.toAbsolutePath());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + note, e);
    }
  }

  /** Whether this daemon has the place, and may do what only one of a node does. */
  boolean isTaken() {
    return node != null;
  }

  /** Whether no daemon has the node's place; any thread. */
  static boolean isVacant(String nodeName) {
    return !StateLock.isNodeHeld(nodeName);
  }

  /** Where listeners that were left are from {@link #take} on, until {@link #settle}. */
  InheritedListeners listeners() {
    return listeners;
  }

  /** Certificates of pods that were left, with their keys. */
  List<Credential> credentials() {
    return predecessor == null ? List.of() : predecessor.credentials();
  }

  /** What the proxy knew that was stopped; nothing where there was none. */
  Remembered remembered() {
    return predecessor == null ? Remembered.NOTHING : predecessor.remembered();
  }

  /** Everything that was left is in use now; what is not goes. */
  void settle() {
    if (predecessor != null) {
      predecessor.release();
    }
  }

  /** Gives the place up. */
  @Override
  public void close() {
    if (predecessor != null) {
      predecessor.close();
    }
    if (node != null) {
      node.close();
    }
    if (state != null) {
      state.close();
    }
  }

  /**
   * Keeps two daemons from sharing a directory or a name; the kernel lets go when a process dies.
   */
  static final class StateLock {
    private StateLock() {}

    /**
     * Locks {@code stateDirectory}, which is made when missing; throws {@link
     * IllegalStateException} when another daemon holds it.
     */
    static ProcessLock ofState(Path stateDirectory) {
      return take(stateFile(stateDirectory), "--state");
    }

    /**
     * Locks the name of a node on this machine: two daemons of one name would take each other's
     * hooks and admin socket away. Throws alike.
     */
    static ProcessLock ofNode(String nodeName) {
      return take(nodeFile(nodeName), "--node-name");
    }

    /** Throws as the two others would, and takes and makes nothing. */
    static void requireFree(Path stateDirectory, String nodeName) {
      requireNotHeld(stateFile(stateDirectory), "--state");
      requireNotHeld(nodeFile(nodeName), "--node-name");
    }

    private static void requireNotHeld(Path file, String option) {
      if (isHeld(file)) {
        throw held(file, option);
      }
    }

    private static IllegalStateException held(Path file, String option) {
      return new IllegalStateException(
          "another node daemon holds %s; stop it, take its place with --take-over, or give this one"
                  .formatted(file)
              + " another "
              + option);
    }

    /** Made by the first daemon of the directory; removed by a start that made it and fails. */
    static Path stateFile(Path stateDirectory) {
      return stateDirectory.resolve("daemon.lock");
    }

    private static Path nodeFile(String nodeName) {
      return NodeSettings.runtimeDirectory(nodeName).resolve("node.lock");
    }

    /** Whether a daemon of that name runs on this machine, this process's own included. */
    static boolean isNodeHeld(String nodeName) {
      return isHeld(nodeFile(nodeName));
    }

    private static boolean isHeld(Path file) {
      try {
        return ProcessLock.isHeld(file);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot look at " + file, e);
      }
    }

    private static ProcessLock take(Path file, String option) {
      try {
        return ProcessLock.take(file).orElseThrow(() -> held(file, option));
      } catch (IOException e) {
        throw new UncheckedIOException(option + ": cannot lock " + file, e);
      }
    }
  }
}
