package io.sluice.node.enrolment;

import io.sluice.interception.PodNetwork;
import io.sluice.linux.diag.InetSocket;
import io.sluice.linux.diag.TcpState;
import io.sluice.linux.diag.Transport;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;

/** Sockets of a pod with the addresses 10.0.0.5 and fd00::5. */
final class Connections {
  static final String POD4 = "10.0.0.5";
  static final String POD6 = "fd00::5";
  static final int PRIMARY_IFINDEX = 2;
  static final PodNetwork NETWORK =
      new PodNetwork(
          List.of(IpAddresses.parse(POD4), IpAddresses.parse(POD6)),
          Set.of(IpAddresses.parse(POD4), IpAddresses.parse(POD6)),
          Set.of(),
          Set.of(),
          Set.of(),
          Set.of(),
          Set.of(),
          PRIMARY_IFINDEX,
          true,
          0,
          Set.of());

  private static final int POD_CGROUP = 4;
  private static final int UNUSED_INODE = Integer.MAX_VALUE;

  private Connections() {}

  static InetSocket established(String local, int localPort, String peer, int peerPort) {
    return socket(TcpState.ESTABLISHED, local, localPort, peer, peerPort, 0);
  }

  static InetSocket listener(String local, int port) {
    return socket(TcpState.LISTEN, local, port, local.contains(":") ? "::" : "0.0.0.0", 0, 0);
  }

  static InetSocket socket(
      TcpState state, String local, int localPort, String peer, int peerPort, int ifindex) {
    return new InetSocket(
        Transport.TCP,
        local.contains(":") ? Family.IPV6 : Family.IPV4,
        state,
        at(local, localPort),
        at(peer, peerPort),
        ifindex,
        1_000L * localPort + peerPort,
        UNUSED_INODE,
        POD_CGROUP);
  }

  /** The same ends with another protocol. */
  static InetSocket over(Transport transport, InetSocket socket) {
    return new InetSocket(
        transport,
        socket.family(),
        socket.state(),
        socket.local(),
        socket.peer(),
        socket.ifindex(),
        socket.cookie(),
        socket.inode(),
        socket.cgroupId());
  }

  /** The same socket with other owners. */
  static InetSocket owned(InetSocket socket, long inode, long cgroupId) {
    return new InetSocket(
        socket.transport(),
        socket.family(),
        socket.state(),
        socket.local(),
        socket.peer(),
        socket.ifindex(),
        socket.cookie(),
        inode,
        cgroupId);
  }

  private static InetSocketAddress at(String address, int port) {
    return new InetSocketAddress(IpAddresses.parse(address), port);
  }
}
