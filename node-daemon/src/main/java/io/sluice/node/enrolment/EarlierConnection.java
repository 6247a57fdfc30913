package io.sluice.node.enrolment;

import io.sluice.linux.diag.InetSocket;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;

/**
 * A connection of a pod that no hook has seen.
 *
 * @param socket the pod's end
 * @param direction whether the pod opened it
 */
public record EarlierConnection(InetSocket socket, Direction direction) {
  /** The client's address. */
  public InetSocketAddress source() {
    return direction == Direction.OUTBOUND ? socket.local() : socket.peer();
  }

  /** The server's address. */
  public InetSocketAddress destination() {
    return direction == Direction.OUTBOUND ? socket.peer() : socket.local();
  }

  /** What became of a connection that is older than its pod's enrolment. */
  public enum EarlierAction {
    /** Lives on, unprotected, as the operator chose. */
    KEPT,
    /** Lives on, unprotected, until the grace has passed. */
    GRACED,
    /** Was reset; the application connects again, through the mesh. */
    DESTROYED,
    /** Should have been reset and could not be; lives on, unprotected. */
    FAILED;

    /** As printed, and value of the metric label {@code action}. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Is told of connections that are older than their pod's enrolment. */
  @FunctionalInterface
  public interface EarlierConnectionsListener {
    /** {@code action} was taken on these, never none; on the enrolment thread. */
    void taken(EarlierAction action, NamespacedName pod, List<EarlierConnection> connections);
  }

  /** What the operator wants to become of connections that are older than their pod's enrolment. */
  public enum EarlierConnectionsRule {
    /** Destroy at once in a strict mesh, after a grace in a permissive one. */
    BY_MODE,
    /** Leave them alone. */
    KEEP,
    /** Destroy them after a grace. */
    GRACE,
    /** Destroy them at once. */
    DESTROY;

    /**
     * Reads {@code keep}, {@code grace} or {@code destroy}.
     *
     * @throws IllegalArgumentException naming the text and the choice
     */
    public static EarlierConnectionsRule parse(String text) {
      for (EarlierConnectionsRule rule : values()) {
        if (rule != BY_MODE && rule.name().toLowerCase(Locale.ROOT).equals(text)) {
          return rule;
        }
      }
      throw new IllegalArgumentException(
          "earlier connections '" + text + "' is none of keep, grace, destroy");
    }

    /** What it comes to in a mesh of this mode. */
    EarlierAction action(boolean permissive) {
      return switch (this) {
        case KEEP -> EarlierAction.KEPT;
        case GRACE -> EarlierAction.GRACED;
        case DESTROY -> EarlierAction.DESTROYED;
        case BY_MODE -> permissive ? EarlierAction.GRACED : EarlierAction.DESTROYED;
      };
    }
  }
}
