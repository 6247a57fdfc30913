package io.sluice.node.enrolment;

import io.sluice.interception.PodNetwork;
import io.sluice.linux.diag.InetSocket;
import io.sluice.linux.diag.InetSockets;
import io.sluice.linux.diag.TcpState;
import io.sluice.linux.diag.Transport;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.LoopbackRange;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which of a pod's sockets would have been redirected or refused, had the pod been enrolled when
 * they were opened. Asks what the hooks ask at {@code connect()} and at the lookup of a listener. A
 * datagram socket without a peer is none of them: each of its datagrams is asked about. Good for
 * one look.
 */
final class UnprotectedConnections {

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

  /** Stands for every address of either family. */
  private static final InetAddress ANY = InetAddress.ofLiteral("::");

  private final PodNetwork network;
  private final InterceptionSettings settings;
  private final boolean permissive;
  private final Map<Integer, Set<InetAddress>> listeners = new HashMap<>(); // by port
  private int noted;

  /**
   * Knows no listeners yet.
   *
   * @param network the pod's addresses and interfaces
   * @param settings what is left alone
   * @param permissive whether datagrams, and sockets bound to a secondary interface, are left alone
   */
  UnprotectedConnections(PodNetwork network, InterceptionSettings settings, boolean permissive) {
    this.network = network;
    this.settings = settings;
    this.permissive = permissive;
  }

  /**
   * Whether {@link #among} has to know the socket; to be asked of all of the pod's in the {@link
   * #LISTED} states. A pod may have any number of those that it need not know, and of listeners,
   * which are noted here.
   */
  boolean needs(InetSocket socket) {
    if (socket.state() == TcpState.LISTEN) {
      note(socket.local());
      return false;
    }
    return mayBeOfProxy(socket)
        || ((canCarryData(socket) || socket.state() == TcpState.SYN_RECV) && !staysInside(socket));
  }

  private void note(InetSocketAddress listener) {
    InetAddress address = listener.getAddress();
    if (LoopbackRange.isLoopback(address)) {
      return; // what it accepts stays inside
    }
    // Of too many each is taken to be at every address: what arrives has fewer exclusions.
    boolean isEverywhere = address.isAnyLocalAddress() || ++noted > InetSockets.MAX_LISTED;
    listeners
        .computeIfAbsent(listener.getPort(), _ -> new HashSet<>())
        .add(isEverywhere ? ANY : address);
  }

  /** Those among the sockets that are {@linkplain #needs needed}. */
  List<EarlierConnection> among(List<InetSocket> sockets, Predicate<InetSocket> isOwn) {
    Map<InetSocket.Ends, List<InetSocket>> ofProxy =
        sockets.stream()
            .filter(this::mayBeOfProxy)
            .collect(Collectors.groupingBy(InetSocket::ends));
    List<EarlierConnection> found = new ArrayList<>();
    for (InetSocket socket : sockets) {
      if (!canCarryData(socket)
          || staysInside(socket)
          || hasBothEndsInside(socket, ofProxy, isOwn)) {
        continue;
      }
      boolean inbound = socket.transport() == Transport.TCP && isAccepted(socket);
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
      Map<InetSocket.Ends, List<InetSocket>> ofProxy,
      Predicate<InetSocket> isOwn) {
    return socket.transport() == Transport.TCP
        && ofProxy.getOrDefault(socket.otherEnds(), List.of()).stream().anyMatch(isOwn);
  }

  /** Whether it is an end with a client's address, which is none of the pod's. */
  private boolean mayBeOfProxy(InetSocket socket) {
    InetAddress local = socket.local().getAddress();
    return socket.transport() == Transport.TCP
        && socket.inode() != 0
        && !LoopbackRange.isLoopback(local)
        && !network.own().contains(local);
  }

  private boolean isAccepted(InetSocket socket) {
    Set<InetAddress> at = listeners.getOrDefault(socket.local().getPort(), Set.of());
    return at.contains(ANY) || at.contains(socket.local().getAddress());
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
