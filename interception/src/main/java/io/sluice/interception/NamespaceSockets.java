package io.sluice.interception;

import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import io.sluice.proxy.Family;
import io.sluice.proxy.PodSockets;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The proxy's view of pods' sockets: what the mechanism in use knows of an accepted one, and
 * sockets made inside a pod's namespace, some of them ahead.
 */
public final class NamespaceSockets implements PodSockets, AutoCloseable {
  /** A pod and its sockets that wait for use. */
  private record Known(PodPlacement placement, SocketReserve ipv4, SocketReserve ipv6) {
    SocketReserve reserve(Family family) {
      return family == Family.IPV4 ? ipv4 : ipv6;
    }

    void close() {
      ipv4.close();
      ipv6.close();
    }
  }

  private final NetnsThread namespaces;
  private final SocketFacts facts;
  private final PathChecks paths;
  private final Map<NamespacedName, Known> pods = new ConcurrentHashMap<>();

  /** Over what the mechanism knows, the thread that enters pods, and who looks at their paths. */
  public NamespaceSockets(SocketFacts facts, NetnsThread namespaces, PathChecks paths) {
    this.facts = facts;
    this.paths = paths;
    this.namespaces = namespaces;
  }

  /** Makes the pod known; before its listeners accept. */
  public void add(PodPlacement pod) {
    pods.compute(
        pod.name(),
        (name, before) -> {
          if (before != null && before.placement().netns() == pod.netns()) {
            return new Known(pod, before.ipv4(), before.ipv6());
          }
          if (before != null) {
            before.close();
          }
          return new Known(
              pod,
              new SocketReserve(namespaces, pod.netns(), Sockets.Family.IPV4),
              new SocketReserve(namespaces, pod.netns(), Sockets.Family.IPV6));
        });
  }

  /** Forgets the pod; sockets asked for later fail. */
  public void remove(NamespacedName pod) {
    Known known = pods.remove(pod);
    if (known != null) {
      known.close();
    }
  }

  /** Closes the waiting sockets of pods that opened no connection since the last call. */
  public void releaseIdle() {
    for (Known known : pods.values()) {
      known.ipv4().releaseIfIdle();
      known.ipv6().releaseIfIdle();
    }
  }

  /** Closes every waiting socket; those handed out are the proxy's. */
  @Override
  public void close() {
    pods.values().forEach(Known::close);
  }

  @Override
  public AcceptedFacts accepted(NamespacedName pod, Direction direction, int fd) {
    Known known = pods.get(pod);
    return known == null
        ? new AcceptedFacts(Optional.empty(), false)
        : facts.accepted(known.placement(), direction, fd);
  }

  @Override
  public CompletableFuture<Optional<InetSocketAddress>> untranslatedSource(
      NamespacedName pod, InetSocketAddress local, InetSocketAddress peer) {
    Known known = pods.get(pod);
    return known == null
        ? CompletableFuture.completedFuture(Optional.empty())
        : namespaces.submit(known.placement().netns(), () -> facts.untranslatedSource(local, peer));
  }

  @Override
  public boolean isPathCheck(
      NamespacedName pod, Direction direction, int fd, InetSocketAddress peer) {
    Known known = pods.get(pod);
    return known != null && paths.arrived(known.placement(), direction, fd, peer);
  }

  @Override
  public CompletableFuture<Integer> open(
      NamespacedName pod,
      InetAddress destination,
      Optional<InetSocketAddress> presentedClient,
      boolean inbound) {
    Known known = pods.get(pod);
    if (known == null) {
      return CompletableFuture.failedFuture(
          new InterceptionException("pod " + pod + " is not enrolled", "it left the mesh"));
    }
    return known
        .reserve(Family.of(destination))
        .take()
        .thenApply(socket -> {
          try {
            if (Sockets.netnsCookie(socket) != known.placement().cookie()) {
              // The handle was closed and its number used again while this waited its turn.
              throw new InterceptionException(
                  "a socket for pod " + pod + " was made in another network namespace",
                  "the pod was released meanwhile");
            }
            Optional<InetSocketAddress> shown =
                presentedClient.filter(_ -> facts.canShowClientAt(destination));
            facts.prepare(socket, known.placement(), shown, inbound);
            return socket;
          } catch (RuntimeException e) {
            Sockets.close(socket);
            throw e;
          }
        });
  }
}
