package io.sluice.node.fastpath;

import io.sluice.interception.PodPlacement;
import io.sluice.linux.LinuxException;
import io.sluice.linux.diag.InetSocket;
import io.sluice.linux.diag.InetSocket.Ends;
import io.sluice.linux.diag.InetSockets;
import io.sluice.linux.diag.TcpState;
import io.sluice.linux.diag.Transport;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * TCP sockets of pods of the node, by sock_diag(7): one table a pod, kept open while the pod is
 * there, since listeners are looked at again and again. For one thread.
 */
final class PodSocketTables implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(PodSocketTables.class.getName());
  private static final InetSocketAddress NOBODYS =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  /** A pod that listens at more addresses is led by the proxy alone. */
  static final int MOST_LISTENED = 1_024;

  private static final Set<TcpState> CONNECTIONS =
      EnumSet.complementOf(EnumSet.of(TcpState.LISTEN, TcpState.TIME_WAIT));

  private final NetnsThread namespaces;
  private final Map<Long, InetSockets> open = new HashMap<>();
  private final Set<Long> resisting = new HashSet<>(); // pods of which something was not ended

  PodSocketTables(NetnsThread namespaces) {
    this.namespaces = namespaces;
  }

  /** Why this kernel ends no connections; empty where it does. */
  static Optional<String> obstacle() {
    try (InetSockets own = InetSockets.open()) {
      own.destroy(
          new InetSocket(
              Transport.TCP, Family.IPV4, TcpState.ESTABLISHED, NOBODYS, NOBODYS, 0, 1, 0, 0));
      return Optional.empty();
    } catch (LinuxException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  /** Closes those of other pods, whose namespaces they would keep. */
  void keepOnly(Set<Long> cookies) {
    resisting.retainAll(cookies);
    open.entrySet()
        .removeIf(each -> {
          boolean goes = !cookies.contains(each.getKey());
          if (goes) {
            each.getValue().close();
          }
          return goes;
        });
  }

  /** Where applications of the pod listen; nowhere where that is not known, or too much of it. */
  Listeners listeners(PodPlacement pod) {
    Set<InetSocketAddress> addresses = new HashSet<>();
    // What a pod opens must not fill the heap of the node.
    List<InetSocket> kept =
        list(
            pod,
            Set.of(),
            table ->
                table.list(
                    Transport.TCP,
                    EnumSet.of(TcpState.LISTEN),
                    socket ->
                        socket.ifindex() == 0
                            && addresses.size() <= MOST_LISTENED
                            && addresses.add(socket.local())));
    return new Listeners(
        kept.size() > MOST_LISTENED
            ? Set.of()
            : kept.stream().map(InetSocket::local).collect(Collectors.toUnmodifiableSet()));
  }

  /** To which addresses, on whatever interface, applications of one pod listen. */
  record Listeners(Set<InetSocketAddress> addresses) {
    /** Whether one takes what is sent to {@code address}, as far as that is certain. */
    boolean take(InetSocketAddress address) {
      InetAddress called = address.getAddress();
      boolean ofIpv4 = false;
      boolean ofBoth = false;
      for (InetSocketAddress each : addresses) {
        InetAddress own = each.getAddress();
        if (each.getPort() == address.getPort()) {
          boolean any = own.isAnyLocalAddress();
          if (own.equals(called) || (any && IpAddresses.isSameFamily(own, called))) {
            return true;
          }
          ofIpv4 |= own instanceof Inet4Address;
          ofBoth |= any;
        }
      }
      // With another one of IPv4 beside it, one of every IPv6 address can only be of IPv6 alone.
      return called instanceof Inet4Address && ofBoth && !ofIpv4;
    }
  }

  /**
   * Ends connections of the pod with these ends, of which the pod's is the first. Never throws:
   * what the kernel refuses, also to tell of, is logged, of each pod once.
   *
   * @return how many it has ended
   */
  int destroy(PodPlacement pod, Set<Ends> connections) {
    int destroyed = 0;
    for (InetSocket each :
        list(
            pod,
            connections,
            table -> table.list(Transport.TCP, CONNECTIONS, isAmong(connections)))) {
      try {
        if (table(pod).destroy(each)) {
          destroyed++;
        }
      } catch (LinuxException | CompletionException e) {
        notEnded(pod, e);
      }
    }
    return destroyed;
  }

  /**
   * Those of these connections of the pod in which the other end spoke last, as far as that is
   * known: an answer has come, and nothing is asked yet.
   *
   * @param quiet since so long at least
   */
  Set<Ends> betweenCalls(PodPlacement pod, Set<Ends> connections, Duration quiet) {
    return list(pod, connections, table -> table.betweenCalls(isAmong(connections), quiet)).stream()
        .map(InetSocket::ends)
        .collect(Collectors.toUnmodifiableSet());
  }

  private static Predicate<InetSocket> isAmong(Set<Ends> connections) {
    return socket -> connections.contains(socket.ends());
  }

  private void notEnded(PodPlacement pod, RuntimeException cause) {
    if (resisting.add(pod.cookie())) {
      LOG.log(System.Logger.Level.WARNING, "connection_not_ended pod=" + pod.name(), cause);
    }
  }

  private List<InetSocket> list(
      PodPlacement pod, Set<Ends> ends, Function<InetSockets, List<InetSocket>> question) {
    try {
      return question.apply(table(pod));
    } catch (LinuxException | CompletionException e) {
      if (ends.isEmpty()) {
        LOG.log(System.Logger.Level.DEBUG, "pod_sockets_unknown pod=" + pod.name(), e);
      } else {
        notEnded(pod, e);
      }
      InetSockets broken = open.remove(pod.cookie());
      if (broken != null) {
        broken.close();
      }
      return List.of();
    }
  }

  private InetSockets table(PodPlacement pod) {
    return open.computeIfAbsent(
        pod.cookie(), _ -> namespaces.submit(pod.netns(), InetSockets::open).join());
  }

  @Override
  public void close() {
    keepOnly(Set.of());
  }
}
