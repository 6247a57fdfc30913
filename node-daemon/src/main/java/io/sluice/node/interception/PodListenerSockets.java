package io.sluice.node.interception;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletionException;

/** The proxy's listening sockets inside one pod, one per direction and family that the pod has. */
final class PodListenerSockets {
  /** The kernel caps it with net.core.somaxconn of the pod's namespace. */
  private static final int BACKLOG = 4096;

  private final NetnsThread namespaces;
  private final InheritedListeners inherited;

  /** Takes listeners from {@code inherited} before it makes any. */
  PodListenerSockets(NetnsThread namespaces, InheritedListeners inherited) {
    this.namespaces = namespaces;
    this.inherited = inherited;
  }

  /** Makes one listener; the caller owns the descriptor. */
  interface Opener {
    int open(Direction direction, Family family);
  }

  /** All or none; the caller owns the descriptors. */
  static List<ListenerFd> openEach(PodPlacement pod, Set<Direction> directions, Opener opener) {
    List<ListenerFd> opened = new ArrayList<>();
    try {
      for (Direction direction : directions) {
        for (Family family : Family.values()) {
          if (family == Family.IPV4 || pod.network().ipv6()) {
            opened.add(new ListenerFd(opener.open(direction, family), direction));
          }
        }
      }
      return opened;
    } catch (RuntimeException e) {
      close(opened);
      throw e;
    }
  }

  static void close(List<ListenerFd> listeners) {
    listeners.forEach(listener -> Sockets.close(listener.fd()));
  }

  /** On every address of the pod and the mesh's own port: where packets are sent by address. */
  int onEveryAddress(PodPlacement pod, Direction direction, Family family) {
    InetAddress address = InetAddress.ofLiteral(family == Family.IPV4 ? "0.0.0.0" : "::");
    int port = direction == Direction.OUTBOUND ? MeshPorts.OUTBOUND : MeshPorts.INBOUND;
    OptionalInt left =
        inherited.take(pod.cookie(), direction, new InetSocketAddress(address, port)::equals);
    if (left.isPresent()) {
      return left.getAsInt();
    }
    try {
      return listen(pod, address, port);
    } catch (CompletionException e) {
      if (e.getCause() instanceof LinuxException linux && linux.errno() == Errno.EADDRINUSE) {
        throw new InterceptionException(
            "port " + port + " is taken inside pod " + pod.name(),
            "this mode needs it: move the application to another port, or use eBPF mode");
      }
      throw e;
    }
  }

  /** On loopback and any port: where a program gives packets to the socket itself. */
  int onLoopback(PodPlacement pod, Direction direction, Family family) {
    InetAddress address = InetAddress.ofLiteral(family == Family.IPV4 ? "127.0.0.1" : "::1");
    return inherited
        .take(pod.cookie(), direction, local -> local.getAddress().equals(address))
        .orElseGet(() -> listen(pod, address, 0));
  }

  private int listen(PodPlacement pod, InetAddress address, int port) {
    int listener =
        namespaces.submit(pod.netns(), () -> Sockets.listenTcp(address, port, BACKLOG)).join();
    try {
      if (Sockets.netnsCookie(listener) != pod.cookie()) {
        throw new InterceptionException(
            "listener for pod " + pod.name() + " was made in another network namespace",
            "the namespace changed while the pod was enrolled; it is tried again");
      }
      return listener;
    } catch (RuntimeException e) {
      Sockets.close(listener);
      throw e;
    }
  }
}
