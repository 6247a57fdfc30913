package io.sluice.linux.diag;

import io.sluice.linux.socket.Sockets.Family;
import java.net.InetSocketAddress;

/**
 * One TCP, UDP or UDP-Lite socket as it stood when it was listed.
 *
 * @param transport its protocol
 * @param family of the socket; a v4-mapped connection of an IPV6 socket has IPv4 addresses
 * @param state when it was listed
 * @param local own address; the wildcard address for many listeners
 * @param peer the other end; the wildcard address and port 0 for a listener and an unconnected
 *     socket
 * @param ifindex interface it is bound to, 0 for none
 * @param cookie the number of {@link io.sluice.linux.socket.Sockets#socketCookie}; never used again
 *     while the node is up
 * @param inode the number in {@code socket:[…]} below {@code /proc/<pid>/fd}; 0 while the
 *     connection waits to be accepted and after its program has closed it
 * @param cgroupId cgroup2 directory in which the socket was made, that of its listener for an
 *     accepted one; 0 before Linux 5.8 and for a handshake, whose socket does not exist yet
 */
public record InetSocket(
    Transport transport,
    Family family,
    TcpState state,
    InetSocketAddress local,
    InetSocketAddress peer,
    int ifindex,
    long cookie,
    long inode,
    long cgroupId) {

  /** The two ends of a connection, that of a socket first. */
  public record Ends(InetSocketAddress local, InetSocketAddress peer) {}

  /** As this socket has them. */
  public Ends ends() {
    return new Ends(local, peer);
  }

  /** As a socket at the other end has them. */
  public Ends otherEnds() {
    return new Ends(peer, local);
  }
}
