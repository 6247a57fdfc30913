package io.sluice.interception;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * The proxy's listening sockets inside one pod, one per direction and family that the pod has.
 *
 * <p>Takes listeners from {@code inherited} before it makes any.
 */
record PodListenerSockets(NetnsThread namespaces, InheritedListeners inherited) {
  /** The kernel caps it with net.core.somaxconn of the pod's namespace. */
  private static final int BACKLOG = 4096;

  /**
   * RFC 6335 §6: no application is assigned one of these, so none loses the port that it is about
   * to bind. The kernel's own choice may be any number that the pod's sysctls name.
   */
  private static final int FIRST_DYNAMIC_PORT = 49_152;

  private static final int LAST_PORT = 65_535;

  /** Of 16,384 ports; an application that holds nearly all of them is not looked after. */
  private static final int ATTEMPTS = 64;

  private record Wanted(Direction direction, InetAddress address) {}

  static void close(List<ListenerFd> listeners) {
    listeners.forEach(listener -> Sockets.close(listener.fd()));
  }

  /** Where the listeners of one direction wait. */
  static FamilyPorts ports(List<ListenerFd> listeners, Direction direction) {
    FamilyPorts ports = FamilyPorts.NONE;
    for (ListenerFd listener : listeners) {
      if (listener.direction() == direction) {
        InetSocketAddress local = Sockets.localAddress(listener.fd());
        ports = ports.with(Family.of(local.getAddress()), local.getPort());
      }
    }
    return ports;
  }

  /**
   * On every address of the pod: where packets are sent by address. All that {@code directions} and
   * the pod's families ask for, or none; the descriptors are the caller's.
   */
  List<ListenerFd> onEveryAddress(PodPlacement pod, Set<Direction> directions) {
    return open(pod, directions, "0.0.0.0", "::");
  }

  /** The same on loopback: where a program gives packets to the socket itself. */
  List<ListenerFd> onLoopback(PodPlacement pod, Set<Direction> directions) {
    return open(pod, directions, "127.0.0.1", "::1");
  }

  private List<ListenerFd> open(
      PodPlacement pod, Set<Direction> directions, String ipv4, String ipv6) {
    List<ListenerFd> opened = new ArrayList<>();
    List<Wanted> missing = new ArrayList<>();
    try {
      for (Direction direction : directions) {
        for (String literal : pod.network().ipv6() ? List.of(ipv4, ipv6) : List.of(ipv4)) {
          InetAddress address = InetAddress.ofLiteral(literal);
          inherited
              .take(pod.cookie(), direction, local -> local.getAddress().equals(address))
              .ifPresentOrElse(
                  left -> opened.add(new ListenerFd(left, direction)),
                  () -> missing.add(new Wanted(direction, address)));
        }
      }
      // All at once: to enter the namespace takes longer than to listen.
      List<ListenerFd> made =
          missing.isEmpty()
              ? List.of()
              : namespaces.submit(pod.netns(), () -> listen(pod, missing)).join();
      opened.addAll(made);
      for (ListenerFd listener : made) {
        if (Sockets.netnsCookie(listener.fd()) != pod.cookie()) {
          throw new InterceptionException(
              "listener for pod " + pod.name() + " was made in another network namespace",
              "the namespace changed while the pod was enrolled; it is tried again");
        }
      }
      return opened;
    } catch (RuntimeException e) {
      close(opened);
      throw e;
    }
  }

  private static List<ListenerFd> listen(PodPlacement pod, List<Wanted> wanted) {
    List<ListenerFd> made = new ArrayList<>();
    try {
      for (Wanted one : wanted) {
        made.add(
            new ListenerFd(listenAtFreePort(pod, one.direction(), one.address()), one.direction()));
      }
      return made;
    } catch (RuntimeException e) {
      close(made);
      throw e;
    }
  }

  /** The same port again after a restart, where nobody took it: rules that name it may stay. */
  private static int listenAtFreePort(PodPlacement pod, Direction direction, InetAddress address) {
    SplittableRandom ports =
        new SplittableRandom(pod.cookie() * 31 + direction.ordinal() * 7L + address.hashCode());
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      int port = ports.nextInt(FIRST_DYNAMIC_PORT, LAST_PORT + 1);
      try {
        return Sockets.listenTcp(address, port, BACKLOG);
      } catch (LinuxException e) {
        if (e.errno() != Errno.EADDRINUSE) {
          throw e;
        }
      }
    }
    throw new InterceptionException(
        "no free port for a listener inside pod " + pod.name(),
        "its applications hold nearly all from " + FIRST_DYNAMIC_PORT + " on: let them bind fewer");
  }
}
