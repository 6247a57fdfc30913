package io.sluice.interception;

import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * Facts by direction. The proxy's own sockets are outbound ones, so they are prepared as the
 * outbound mechanism wants them.
 */
final class SplitSocketFacts implements SocketFacts {
  private final SocketFacts outbound;
  private final SocketFacts inbound;

  SplitSocketFacts(SocketFacts outbound, SocketFacts inbound) {
    this.outbound = outbound;
    this.inbound = inbound;
  }

  @Override
  public AcceptedFacts accepted(PodPlacement pod, Direction direction, int fd) {
    return (direction == Direction.OUTBOUND ? outbound : inbound).accepted(pod, direction, fd);
  }

  @Override
  public Optional<InetSocketAddress> untranslatedSource(
      InetSocketAddress local, InetSocketAddress peer) {
    return inbound.untranslatedSource(local, peer);
  }

  @Override
  public void prepare(
      int fd, PodPlacement pod, Optional<InetSocketAddress> presentedClient, boolean leadsInbound) {
    outbound.prepare(fd, pod, presentedClient, leadsInbound);
  }

  @Override
  public boolean canShowClientAt(InetAddress address) {
    return outbound.canShowClientAt(address);
  }

  @Override
  public void preparePathCheck(int fd, PodPlacement pod, Direction direction) {
    (direction == Direction.OUTBOUND ? outbound : inbound).preparePathCheck(fd, pod, direction);
  }

  /** Asked of outbound checks: an inbound one comes from the node. */
  @Override
  public boolean stayOnLoopback(Sockets.Family family) {
    return outbound.stayOnLoopback(family);
  }
}
