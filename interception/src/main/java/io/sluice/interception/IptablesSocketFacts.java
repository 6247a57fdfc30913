package io.sluice.interception;

import io.sluice.iptables.TrackedConnection;
import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.TrafficMark;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.function.LongPredicate;

/**
 * Facts from connection tracking. The proxy's sockets are recognised by their cgroup, or by a mark
 * where the kernel cannot. The application sees the true client's address, with a port of the
 * kernel's choice: streams of a peer share one, and one connection may have it.
 *
 * @param marks whether rules know the proxy's sockets by a mark
 * @param showsClients whether the pod of a cookie can have connections from clients' addresses
 */
record IptablesSocketFacts(boolean marks, LongPredicate showsClients) implements SocketFacts {
  private static final int IP_TRANSPARENT = 19;
  private static final int IPV6_TRANSPARENT = 75;
  private static final int IP_BIND_ADDRESS_NO_PORT = 24;

  @Override
  public AcceptedFacts accepted(PodPlacement pod, Direction direction, int fd) {
    // What a listener accepts is in the listener's namespace, which was compared with the pod's.
    return new AcceptedFacts(TrackedConnection.destination(fd).orElse(null), true);
  }

  @Override
  public Optional<InetSocketAddress> untranslatedSource(
      InetSocketAddress local, InetSocketAddress peer) {
    return TrackedConnection.source(local, peer);
  }

  @Override
  public void prepare(int fd, PodPlacement inside, Optional<Shown> shown) {
    if (marks) {
      Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_MARK, TrafficMark.VALUE);
    }
    if (shown.isPresent() && showsClients.test(inside.cookie())) {
      InetAddress client = shown.get().client().getAddress();
      if (isForeign(client, inside.network()) && isOfFamily(fd, client)) {
        bindTo(client, fd);
      }
    }
  }

  /** The node calls ports of probes directly, and must not meet its own address there. */
  private static boolean isForeign(InetAddress client, PodNetwork network) {
    return !client.isLoopbackAddress()
        && !client.isLinkLocalAddress()
        && !network.own().contains(client)
        && !network.excludedAddresses().contains(client)
        && !network.nodeAddresses().contains(client);
  }

  private static boolean isOfFamily(int fd, InetAddress client) {
    return Sockets.Family.of(Sockets.localAddress(fd).getAddress()) == Sockets.Family.of(client);
  }

  private static void bindTo(InetAddress client, int fd) {
    Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_MARK, TrafficMark.PRESENTING);
    if (Sockets.Family.of(client) == Sockets.Family.IPV4) {
      Sockets.setsockopt(fd, Sockets.SOL_IP, IP_TRANSPARENT, 1);
    } else {
      Sockets.setsockopt(fd, Sockets.SOL_IPV6, IPV6_TRANSPARENT, 1);
    }
    Sockets.setsockopt(fd, Sockets.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    Sockets.bind(fd, new InetSocketAddress(client, 0));
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
