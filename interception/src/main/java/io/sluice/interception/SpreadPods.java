package io.sluice.interception;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.diag.InetSockets;
import io.sluice.linux.diag.TcpState;
import io.sluice.linux.diag.Transport;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.route.LocalRoute;
import io.sluice.mesh.LoopbackRange;
import io.sluice.mesh.NamespacedName;
import java.net.Inet6Address;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The pods whose redirected IPv6 connections are spread over {@link LoopbackRange#IPV6}, as those
 * of IPv4 are over 127.64.0.0/10: inside each a route makes that range loopback. Where there can be
 * none, the pod's connections share {@code ::1}, and with it one range of ephemeral ports; that is
 * told in the log, once for each enrolment.
 *
 * <p>{@link #problem}, {@link #released} and {@link #nameOf} may be called from any thread, the
 * rest by one at a time; all of them on platform threads.
 */
public final class SpreadPods implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(SpreadPods.class.getName());

  /** Either end has something to say; both are in the pod, so that one is enough. */
  private static final Set<TcpState> OPEN =
      Set.of(
          TcpState.SYN_SENT,
          TcpState.SYN_RECV,
          TcpState.ESTABLISHED,
          TcpState.CLOSE_WAIT,
          TcpState.FIN_WAIT1,
          TcpState.CLOSING,
          TcpState.LAST_ACK);

  private final NetworkNamespaces namespaces;
  private final NamespaceSearch everywhere;
  private final LongPredicate isHeld;
  private final Map<Long, Pod> pods = new ConcurrentHashMap<>();

  /** Released, while connections of theirs go on by their routes. */
  private final Map<Long, Pod> released = new ConcurrentHashMap<>();

  /** One pod's route and sockets, its name where it was enrolled here; guarded by itself. */
  private record Pod(
      @Nullable NamespacedName name, long inode, LocalRoute route, @Nullable InetSockets sockets)
      implements AutoCloseable {
    static Pod open(
        NetworkNamespaces namespaces, @Nullable NamespacedName name, NetnsHandle netns) {
      return namespaces.callIn(
          netns,
          () ->
              new Pod(
                  name,
                  netns.inode(),
                  LocalRoute.open(
                      (Inet6Address) LoopbackRange.IPV6.network(),
                      LoopbackRange.IPV6.prefixLength()),
                  openSockets()));
    }

    /** Null where the kernel cannot be asked: then what the proxy knows has to do. */
    private static @Nullable InetSockets openSockets() {
      try {
        return InetSockets.open();
      } catch (LinuxException e) {
        return null;
      }
    }

    /** Whether connections go on by the route, also those of a daemon before this one. */
    synchronized boolean isUsed() {
      try {
        return sockets != null
            && !sockets
                .list(
                    Transport.TCP,
                    OPEN,
                    socket ->
                        LoopbackRange.IPV6.contains(socket.local().getAddress())
                            || LoopbackRange.IPV6.contains(socket.peer().getAddress()))
                .isEmpty();
      } catch (LinuxException e) {
        if (e.errno() == Errno.ENOENT) { // it has no inet_diag
          return false;
        }
        throw e;
      }
    }

    synchronized void remove() {
      try (this) {
        route.remove();
      } catch (LinuxException e) {
        warn(name == null ? "netns:" + inode : name.toString(), e);
      }
    }

    @Override
    public synchronized void close() {
      route.close();
      if (sockets != null) {
        sockets.close();
      }
    }
  }

  /**
   * Changes nothing yet.
   *
   * @param everywhere where namespaces of earlier daemons' pods are searched
   * @param isHeld whether anybody has the pod with this cookie in force: its route is theirs then
   */
  public SpreadPods(
      NetworkNamespaces namespaces, NamespaceSearch everywhere, LongPredicate isHeld) {
    this.namespaces = namespaces;
    this.everywhere = everywhere;
    this.isHeld = isHeld;
  }

  /** Makes the range loopback in a pod that has IPv6, if it can be. */
  void spread(PodPlacement placement) {
    long cookie = placement.cookie();
    Pod before = released.remove(cookie);
    if (!placement.network().ipv6()) {
      if (before != null) {
        before.remove(); // it had some when it was enrolled before
      }
      return;
    }
    try {
      if (before != null) {
        pods.put(cookie, before);
      }
      Pod pod =
          pods.computeIfAbsent(
              cookie, _ -> Pod.open(namespaces, placement.name(), placement.netns()));
      synchronized (pod) {
        pod.route.raise();
      }
    } catch (LinuxException e) {
      forget(cookie);
      LOG.log(
          System.Logger.Level.WARNING,
          "loopback_not_spread pod={0} problem={1}",
          placement.name(),
          e.getMessage());
    }
  }

  /** Whether the range was made loopback in that pod. */
  boolean isSpread(long cookie) {
    return pods.containsKey(cookie);
  }

  /** What is wrong, as a sentence. */
  Optional<String> problem(PodPlacement placement) {
    Pod pod = pods.get(placement.cookie());
    if (pod == null) {
      return Optional.empty();
    }
    synchronized (pod) {
      return pod.route.stands()
          ? Optional.empty()
          : Optional.of("its route local " + LoopbackRange.IPV6 + " was taken away or changed");
    }
  }

  /** Pods that were released, and whose routes go when they are released once more. */
  Set<Long> released() {
    return Set.copyOf(released.keySet());
  }

  /** Whether that pod is one of them. */
  boolean isLeaving(long cookie) {
    return released.containsKey(cookie);
  }

  /** Name of such a pod, where it was enrolled here. */
  Optional<NamespacedName> nameOf(long cookie) {
    return Optional.ofNullable(released.get(cookie)).map(Pod::name);
  }

  /**
   * No new connection goes there. The route stays for those that are open, until this is called
   * again and none is; so does an earlier daemon's, if its namespace still exists.
   *
   * @throws LinuxException where the kernel cannot say whether one is; then the route stays
   */
  void release(long cookie) {
    Pod pod = pods.remove(cookie);
    if (pod != null) {
      released.put(cookie, pod);
      return;
    }
    if (!released.containsKey(cookie)) {
      find(cookie).ifPresent(left -> released.put(cookie, left));
    }
    Pod left = released.get(cookie);
    if (left != null && !left.isUsed()) {
      end(cookie);
    }
  }

  /** Takes the route of an earlier daemon's pod away, if its namespace still exists. */
  void gather(long cookie) {
    if (!isHeld.test(cookie)) {
      find(cookie).ifPresent(Pod::remove);
    }
  }

  private Optional<Pod> find(long cookie) {
    Optional<NetnsHandle> found = everywhere.withCookie(cookie);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    try (NetnsHandle netns = found.get()) {
      return Optional.of(Pod.open(namespaces, null, netns));
    }
  }

  /** Takes away the route in that namespace; does nothing where there is none. */
  static void gather(NetworkNamespaces namespaces, NetnsHandle netns) {
    try {
      Pod.open(namespaces, null, netns).remove();
    } catch (LinuxException e) {
      warn("netns:" + netns.inode(), e);
    }
  }

  private void end(long cookie) {
    Pod left = released.remove(cookie);
    if (left != null && isHeld.test(cookie)) {
      left.close();
    } else if (left != null) {
      left.remove();
    }
  }

  private static void warn(String pod, LinuxException problem) {
    LOG.log(
        System.Logger.Level.WARNING,
        "loopback_range_not_removed pod={0} problem={1}",
        pod,
        problem.getMessage());
  }

  private void forget(long cookie) {
    Pod pod = pods.remove(cookie);
    if (pod != null) {
      pod.close();
    }
  }

  /** The routes stay, but for those of released pods: what went on there went through us. */
  @Override
  public void close() {
    pods.keySet().forEach(this::forget);
    released.keySet().forEach(this::end);
  }
}
