package io.sluice.interception;

import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * What one mechanism knows about a socket, and what it has to be told. Any thread, never blocks.
 */
public interface SocketFacts {
  /** What the kernel knows about a connection that a listener of {@code pod} accepted. */
  AcceptedFacts accepted(PodPlacement pod, Direction direction, int fd);

  /**
   * The source of a connection that an inbound listener accepted, before the mechanism changed it;
   * empty where it changes none, or does not know. Inside the pod's namespace, may do a few system
   * calls.
   */
  Optional<InetSocketAddress> untranslatedSource(InetSocketAddress local, InetSocketAddress peer);

  /**
   * An application that is to see who calls it.
   *
   * @param pod whose it is
   * @param client address that it is to see as its peer
   */
  record Shown(PodPlacement pod, InetSocketAddress client) {}

  /**
   * Readies a socket, not connected yet, that was made for the proxy.
   *
   * @param inside pod inside which it was made
   * @param shown where it leads to an application that can see its client: of that very pod, or of
   *     another one where {@link #canLeadPast} says so
   */
  void prepare(int fd, PodPlacement inside, Optional<Shown> shown);

  /**
   * Whether a socket made inside {@code caller} can be led past the inbound listener of {@code
   * callee}.
   */
  default boolean canLeadPast(PodPlacement caller, PodPlacement callee) {
    return false;
  }

  /** Whether an application that listens at {@code address} can see its client as its peer. */
  boolean canShowClientAt(InetAddress address);

  /**
   * Readies a socket of this process that shall be intercepted like one of an application, to see
   * that interception works; not connected yet. Outbound ones were made inside the pod, inbound
   * ones on the node.
   */
  void preparePathCheck(int fd, PodPlacement pod, Direction direction);

  /** Whether an outbound connection bound to the device lo is intercepted all the same. */
  boolean stayOnLoopback(Sockets.Family family);
}
