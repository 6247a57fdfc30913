package io.sluice.node.enrolment;

import io.sluice.linux.diag.InetSocket;
import io.sluice.mesh.decision.Direction;
import java.net.InetSocketAddress;

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
}
