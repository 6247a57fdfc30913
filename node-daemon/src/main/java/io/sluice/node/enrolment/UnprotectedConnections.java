package io.sluice.node.enrolment;

import io.sluice.interception.PodNetwork;
import io.sluice.linux.diag.InetSocket;
import io.sluice.linux.diag.TcpState;
import io.sluice.linux.diag.Transport;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.LoopbackRange;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which of a pod's sockets would have been redirected or refused, had the pod been enrolled when
 * they were opened. Asks what the hooks ask at {@code connect()} and at the lookup of a listener. A
 * datagram socket without a peer is none of them: each of its datagrams is asked about.
 *
 * @param network the pod's addresses and interfaces
 * @param settings what is left alone
 * @param permissive whether datagrams, and sockets bound to a secondary interface, are left alone
 */
record UnprotectedConnections(
    PodNetwork network, InterceptionSettings settings, boolean permissive) {

  /**
   * States worth listing. Handshakes that a listener has answered (SYN_RECV) are no sockets yet and
   * belong to nobody: they are noted, and found once they are established.
   */
  static final Set<TcpState> LISTED =
      EnumSet.of(
          TcpState.ESTABLISHED,
          TcpState.SYN_SENT,
          TcpState.SYN_RECV,
          TcpState.FIN_WAIT1,
          TcpState.FIN_WAIT2,
          TcpState.CLOSE_WAIT,
          TcpState.LISTEN);

  private static final int IFINDEX_LOOPBACK = 1;

  /** Those among all of the pod's sockets in the {@link #LISTED} states. */
  List<EarlierConnection> among(List<InetSocket> sockets, Predicate<InetSocket> isOwn) {
    List<InetSocket> listeners =
        sockets.stream().filter(socket -> socket.state() == TcpState.LISTEN).toList();
    Set<InetSocket.Ends> ends = sockets.stream().map(InetSocket::ends).collect(Collectors.toSet());
    List<EarlierConnection> found = new ArrayList<>();
    for (InetSocket socket : sockets) {
      if (!canCarryData(socket)
          || staysInside(socket)
          || hasBothEndsInside(socket, ends, sockets, isOwn)) {
        continue;
      }
      boolean inbound =
          socket.transport() == Transport.TCP
              && listeners.stream().anyMatch(listener -> accepts(listener, socket));
      boolean leftAlone =
          switch (socket.transport()) {
            case TCP -> inbound ? inboundLeftAlone(socket) : outboundLeftAlone(socket);
            case UDP ->
                !isIsolated(socket) && (isDns(socket) || permissive && !isMetadata(socket))
                    || destinationLeftAlone(socket);
            case UDP_LITE -> permissive && !isIsolated(socket); // as at socket()
          };
      // Asked last: it may have to look through this process' descriptors.
      if (!leftAlone && !isOwn.test(socket)) {
        found.add(new EarlierConnection(socket, inbound ? Direction.INBOUND : Direction.OUTBOUND));
      }
    }
    return found;
  }

  private static boolean canCarryData(InetSocket socket) {
    return switch (socket.state()) {
      case ESTABLISHED, SYN_SENT, CLOSE_WAIT -> true;
      // Its program may still read, unless it has closed the socket.
      case FIN_WAIT1, FIN_WAIT2 -> socket.inode() != 0;
      case SYN_RECV, TIME_WAIT, CLOSE, LAST_ACK, LISTEN, CLOSING -> false;
    };
  }

  /** Redirected connections are among these: their peer is loopback or the pod itself. */
  private boolean staysInside(InetSocket socket) {
    InetAddress peer = socket.peer().getAddress();
    return LoopbackRange.isLoopback(peer)
        || peer.isAnyLocalAddress()
        || peer.equals(socket.local().getAddress())
        || network.own().contains(peer)
        || network.excludedAddresses().contains(peer);
  }

  /**
   * As between the proxy and the application that sees a client's address. The other end is the
   * proxy's: a pod can make sockets of any ends.
   */
  private static boolean hasBothEndsInside(
      InetSocket socket,
      Set<InetSocket.Ends> ends,
      List<InetSocket> sockets,
      Predicate<InetSocket> isOwn) {
    return socket.transport() == Transport.TCP
        && ends.contains(socket.otherEnds())
        && sockets.stream()
            .anyMatch(other ->
                other.transport() == Transport.TCP
                    && other.inode() != 0
                    && other.ends().equals(socket.otherEnds())
                    && isOwn.test(other));
  }

  private static boolean accepts(InetSocket listener, InetSocket socket) {
    InetAddress address = listener.local().getAddress();
    return listener.local().getPort() == socket.local().getPort()
        && (address.isAnyLocalAddress() || address.equals(socket.local().getAddress()));
  }

  private boolean inboundLeftAlone(InetSocket socket) {
    return network.excludedAddresses().contains(socket.local().getAddress())
        || settings.inboundPortExclusions().contains(socket.local().getPort());
  }

  private boolean outboundLeftAlone(InetSocket socket) {
    return destinationLeftAlone(socket)
        // A server that has closed its listener and still serves: nothing else tells it apart.
        || inboundLeftAlone(socket);
  }

  private boolean destinationLeftAlone(InetSocket socket) {
    InetAddress peer = socket.peer().getAddress();
    if (isMetadata(socket)) {
      return isDns(socket);
    }
    return peer.isLinkLocalAddress()
        || interfaceLeftAlone(socket.ifindex())
        || settings.outboundPortExclusions().contains(socket.peer().getPort())
        || rangeLeftAlone(peer);
  }

  private boolean isMetadata(InetSocket socket) {
    return settings.refusedMetadata().contains(socket.peer().getAddress());
  }

  private boolean isIsolated(InetSocket socket) {
    return settings.isolates(socket.peer().getAddress());
  }

  private boolean isDns(InetSocket socket) {
    return socket.peer().getPort() == MeshPorts.DNS
        && settings.isResolver(socket.peer().getAddress());
  }

  private boolean interfaceLeftAlone(int ifindex) {
    boolean secondary =
        ifindex != 0 && ifindex != IFINDEX_LOOPBACK && ifindex != network.primaryIfindex();
    return network.excludedIfindexes().contains(ifindex) || secondary && permissive;
  }

  private boolean rangeLeftAlone(InetAddress peer) {
    List<Cidr> inclusions = settings.outboundRangeInclusions();
    return Stream.concat(
                settings.outboundRangeExclusions().stream(), network.excludedRanges().stream())
            .anyMatch(range -> range.contains(peer))
        || !inclusions.isEmpty() && inclusions.stream().noneMatch(range -> range.contains(peer));
  }
}
