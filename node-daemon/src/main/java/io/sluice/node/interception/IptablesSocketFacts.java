package io.sluice.node.interception;

import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.TrafficMark;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * Facts from connection tracking. The proxy's sockets are recognised by their cgroup, or by a mark
 * where the kernel cannot; the application sees the proxy's connection as coming from the pod
 * itself.
 */
final class IptablesSocketFacts implements SocketFacts {
  private final boolean marks;

  /** {@code marks} says whether rules know the proxy's sockets by a mark. */
  IptablesSocketFacts(boolean marks) {
    this.marks = marks;
  }

  @Override
  public AcceptedFacts accepted(PodPlacement pod, Direction direction, int fd) {
    InetSocketAddress local = Sockets.localAddress(fd);
    // A connection that was made to the listener's own port has no other destination.
    Optional<InetSocketAddress> original =
        Sockets.originalDestination(fd, Sockets.Family.of(local.getAddress()))
            .filter(destination -> !destination.equals(local));
    // What a listener accepts is in the listener's namespace, which was compared with the pod's.
    return new AcceptedFacts(original, true);
  }

  @Override
  public void prepare(
      int fd, PodPlacement pod, Optional<InetSocketAddress> presentedClient, boolean inbound) {
    if (marks) {
      Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_MARK, TrafficMark.VALUE);
    }
  }

  /** Loopback takes packets from loopback alone. */
  @Override
  public boolean canShowClientAt(InetAddress address) {
    return !address.isLoopbackAddress();
  }

  @Override
  public void preparePathCheck(int fd, PodPlacement pod, Direction direction) {
    // Rules look for it before they look whose socket it is.
  }

  /** The rules see what has a route only, and IPv6 has none over lo to another address. */
  @Override
  public boolean stayOnLoopback(Sockets.Family family) {
    return family == Sockets.Family.IPV4;
  }
}
