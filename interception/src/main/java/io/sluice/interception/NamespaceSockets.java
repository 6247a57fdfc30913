package io.sluice.interception;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import io.sluice.proxy.Family;
import io.sluice.proxy.PodSockets;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
  private final Set<NamespacedName> inForce = ConcurrentHashMap.newKeySet();
  private volatile Runnable changed = () -> {};

  /** Over what the mechanism knows, the thread that enters pods, and who looks at their paths. */
  public NamespaceSockets(SocketFacts facts, NetnsThread namespaces, PathChecks paths) {
    this.facts = facts;
    this.paths = paths;
    this.namespaces = namespaces;
  }

  /**
   * Has {@code listener} told, from now on, whenever {@link #inForce} may have changed: on the
   * thread that changes it, which must not wait for it.
   */
  public void onChange(Runnable listener) {
    changed = listener;
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
    changed.run();
  }

  /** Interception is in force in the pod, so what is sent to it may be led past its listener. */
  public void activated(NamespacedName pod) {
    inForce.add(pod);
    changed.run();
  }

  /** Pods of which interception is in force. */
  public List<PodPlacement> inForce() {
    return pods.values().stream()
        .map(Known::placement)
        .filter(pod -> inForce.contains(pod.name()))
        .toList();
  }

  /** Forgets the pod; sockets asked for later fail. */
  public void remove(NamespacedName pod) {
    inForce.remove(pod);
    Known known = pods.remove(pod);
    if (known != null) {
      known.close();
    }
    changed.run();
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
        ? new AcceptedFacts(null, false)
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
      NamespacedName inside, InetAddress destination, Optional<Application> application) {
    Known known = pods.get(inside);
    if (known == null) {
      return notEnrolled(inside);
    }
    Optional<SocketFacts.Shown> shown = Optional.empty();
    if (application.isPresent()) {
      Known called = pods.get(application.get().pod());
      if (called == null) {
        return notEnrolled(application.get().pod());
      }
      if (facts.canShowClientAt(destination)) {
        shown = Optional.of(new SocketFacts.Shown(called.placement(), application.get().client()));
      }
    }
    return open(known, destination, shown);
  }

  private static CompletableFuture<Integer> notEnrolled(NamespacedName pod) {
    return CompletableFuture.failedFuture(
        new InterceptionException("pod " + pod + " is not enrolled", "it left the mesh"));
  }

  private CompletableFuture<Integer> open(
      Known inside, InetAddress destination, Optional<SocketFacts.Shown> shown) {
    PodPlacement pod = inside.placement();
    return inside
        .reserve(Family.of(destination))
        .take()
        .thenApply(socket -> {
          try {
            if (Sockets.netnsCookie(socket) != pod.cookie()) {
              // The handle was closed and its number used again while this waited its turn.
              throw new InterceptionException(
                  "a socket for pod " + pod.name() + " was made in another network namespace",
                  "the pod was released meanwhile");
            }
            facts.prepare(socket, pod, shown);
            return socket;
          } catch (RuntimeException e) {
            Sockets.close(socket);
            throw e;
          }
        });
  }

  @Override
  public boolean canLeadPast(
      NamespacedName caller, NamespacedName callee, InetSocketAddress destination) {
    Known from = pods.get(caller);
    Known to = pods.get(callee);
    return from != null
        && to != null
        && inForce.contains(callee)
        && !to.placement().excludesInbound(destination)
        && facts.canLeadPast(from.placement(), to.placement());
  }

  /**
   * Unconnected sockets of one family made ahead inside one pod. Entering a namespace costs a
   * change of threads and seven system calls; a pod that opens connections often pays that once for
   * many. A pod that opens few has none waiting. Any thread.
   */
  static final class SocketReserve implements AutoCloseable {
    /** Sockets that may wait, about 3 KiB of kernel memory each. */
    static final int MOST = 16;

    private final NetnsThread namespaces;
    private final NetnsHandle netns;
    private final Sockets.Family family;

    // Guarded by this.
    private final ArrayDeque<Integer> waiting = new ArrayDeque<>();
    private int wanted; // doubles with every miss, so that single connections make no reserve
    private boolean refilling;
    private boolean used;
    private boolean closed;

    /** Empty at first; {@code netns} stays the caller's and outlives this object. */
    SocketReserve(NetnsThread namespaces, NetnsHandle netns, Sockets.Family family) {
      this.namespaces = namespaces;
      this.netns = netns;
      this.family = family;
    }

    /**
     * A non-blocking unconnected TCP socket, which is the caller's; at once where one waits. Fails
     * with what making one failed with.
     */
    CompletableFuture<Integer> take() {
      Integer ready;
      int missing;
      synchronized (this) {
        used = true;
        ready = waiting.poll();
        if (ready == null) {
          wanted = Math.min(MOST, wanted * 2 + 1);
        }
        missing = refilling || closed || waiting.size() > wanted / 2 ? 0 : wanted - waiting.size();
        refilling |= missing > 0;
      }
      // The caller's own first: it waits for it.
      CompletableFuture<Integer> taken =
          ready != null
              ? CompletableFuture.completedFuture(ready)
              : namespaces.submit(netns, () -> Sockets.tcpSocket(family));
      if (missing > 0) {
        var _ = namespaces.submit(netns, () -> make(missing)).handle(this::refilled);
      }
      return taken;
    }

    private List<Integer> make(int count) {
      List<Integer> made = new ArrayList<>(count);
      try {
        for (int i = 0; i < count; i++) {
          made.add(Sockets.tcpSocket(family));
        }
        return made;
      } catch (RuntimeException e) {
        made.forEach(Sockets::close);
        throw e;
      }
    }

    /** A failure is nobody's: whoever finds the reserve empty makes a socket and is told. */
    private synchronized Void refilled(List<Integer> made, Throwable failure) {
      refilling = false;
      if (failure == null) {
        if (closed) {
          made.forEach(Sockets::close);
        } else {
          waiting.addAll(made);
        }
      }
      return null;
    }

    /** Closes what waits if nobody took a socket since the last call. */
    synchronized void releaseIfIdle() {
      if (!used) {
        empty();
      }
      used = false;
    }

    private void empty() {
      waiting.forEach(Sockets::close);
      waiting.clear();
      wanted = 0;
    }

    /** Closes what waits, and what is being made as soon as it is there. */
    @Override
    public synchronized void close() {
      closed = true;
      empty();
    }
  }
}
