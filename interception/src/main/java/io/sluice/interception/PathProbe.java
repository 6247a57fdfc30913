package io.sluice.interception;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import java.net.InetSocketAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One connection that must arrive at our listener. Its addresses are fixed before it is opened, so
 * that the accepting side knows it by them. Made, started and asked by one thread; {@link
 * #arrivedAs} comes from an event loop.
 */
final class PathProbe implements AutoCloseable {
  private static final int SO_LINGER = 13;
  private static final byte[] RESET_AT_CLOSE = {1, 0, 0, 0, 0, 0, 0, 0}; // in either byte order

  private final Direction direction;
  private final InetSocketAddress client;
  private final InetSocketAddress destination;
  private final int fd;
  private @Nullable Errno refusal;
  private volatile boolean arrived;
  private volatile @Nullable InetSocketAddress seenDestination;

  /** Owns {@code fd}, a socket bound to {@code client}. */
  PathProbe(Direction direction, InetSocketAddress client, InetSocketAddress destination, int fd) {
    this.direction = direction;
    this.client = client;
    this.destination = destination;
    this.fd = fd;
    Sockets.setsockopt(fd, Sockets.SOL_SOCKET, SO_LINGER, RESET_AT_CLOSE); // leaves no TIME_WAIT
  }

  Direction direction() {
    return direction;
  }

  Family family() {
    return Family.of(destination.getAddress());
  }

  boolean isFrom(Direction way, InetSocketAddress peer) {
    return direction == way && client.equals(peer);
  }

  void start() {
    try {
      Sockets.connect(fd, destination);
    } catch (LinuxException e) {
      refusal = e.errno();
    }
  }

  void arrivedAs(@Nullable InetSocketAddress originalDestination) {
    seenDestination = originalDestination;
    arrived = true;
  }

  boolean hasArrived() {
    return arrived;
  }

  /** Whether waiting longer can change anything. */
  boolean isSettled() {
    if (!arrived && refusal == null) {
      int error = Sockets.error(fd);
      if (error != 0 && !arrived) {
        refusal = Errno.of(error);
      }
    }
    return arrived || refusal != null;
  }

  /** Why the kernel refused it, when it did. */
  Optional<Errno> refusal() {
    return Optional.ofNullable(refusal);
  }

  /** What is wrong, as a sentence; to be asked when it is settled or was given up. */
  Optional<String> problem() {
    if (arrived) {
      InetSocketAddress seen = seenDestination;
      return destination.equals(seen)
          ? Optional.empty()
          : Optional.of(
              name()
                  + " was taken for one to "
                  + (seen == null ? "nowhere" : IpAddresses.text(seen)));
    }
    String listener = direction == Direction.OUTBOUND ? "outbound" : "inbound";
    String how =
        refusal != null ? refusal.name() : isConnected() ? "somebody else took it" : "no answer";
    return Optional.of(name() + " did not reach the " + listener + " listener: " + how);
  }

  private String name() {
    return "a connection "
        + (direction == Direction.OUTBOUND ? "from inside" : "from the node")
        + " to "
        + IpAddresses.text(destination);
  }

  private boolean isConnected() {
    try {
      Sockets.peerAddress(fd);
      return true;
    } catch (LinuxException e) {
      return false;
    }
  }

  @Override
  public void close() {
    Sockets.close(fd);
  }
}
