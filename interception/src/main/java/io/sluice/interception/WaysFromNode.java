package io.sluice.interception;

import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.MeshPorts;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * By which of its addresses the node reaches a pod, as its routing says: so the kubelet does, whose
 * sockets choose none. Any thread but the one that enters pods.
 */
public final class WaysFromNode {
  private static final System.Logger LOG = System.getLogger(WaysFromNode.class.getName());

  /**
   * The node's address on the way to {@code pod}, found by a datagram socket that sends nothing.
   *
   * @throws LinuxException when there is no way
   */
  InetAddress towards(InetAddress pod) {
    int fd = Sockets.socket(Family.of(pod).domain(), Sockets.SOCK_DGRAM, 0);
    try {
      Sockets.connect(fd, new InetSocketAddress(pod, MeshPorts.PATH_CHECK));
      return Sockets.localAddress(fd).getAddress();
    } finally {
      Sockets.close(fd);
    }
  }

  /** The same of each of a pod's addresses that there is a way to. */
  Map<InetAddress, InetAddress> towards(List<InetAddress> addresses) {
    Map<InetAddress, InetAddress> ways = new HashMap<>();
    for (InetAddress address : addresses) {
      try {
        ways.put(address, towards(address));
      } catch (LinuxException e) {
        LOG.log(System.Logger.Level.DEBUG, "no_way_from_node address=" + address, e);
      }
    }
    return ways;
  }

  /**
   * Addresses from which the node's probes of a pod come. None that other hosts have as well: of
   * loopback and link-local ones there is one on every machine.
   */
  Set<InetAddress> callers(List<InetAddress> primary) {
    return towards(primary).values().stream()
        .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
        .collect(Collectors.toUnmodifiableSet());
  }
}
