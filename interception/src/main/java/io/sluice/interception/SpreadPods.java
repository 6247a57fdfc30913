package io.sluice.interception;

import io.sluice.linux.LinuxException;
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

  private final NetworkNamespaces namespaces;
  private final NamespaceSearch everywhere;
  private final Map<Long, Pod> pods = new ConcurrentHashMap<>();

  /** Released, while connections of theirs go on by their routes. */
  private final Map<Long, Pod> released = new ConcurrentHashMap<>();

  /** One pod's route; guarded by itself. */
  private record Pod(NamespacedName name, LocalRoute route) {}

  /**
   * Changes nothing yet.
   *
   * @param everywhere where namespaces of earlier daemons' pods are searched
   */
  public SpreadPods(NetworkNamespaces namespaces, NamespaceSearch everywhere) {
    this.namespaces = namespaces;
    this.everywhere = everywhere;
  }

  /** Makes the range loopback in a pod that has IPv6, if it can be. */
  void spread(PodPlacement placement) {
    if (!placement.network().ipv6()) {
      return;
    }
    long cookie = placement.cookie();
    try {
      Pod before = released.remove(cookie);
      if (before != null) {
        pods.put(cookie, before);
      }
      Pod pod =
          pods.computeIfAbsent(
              cookie, _ -> new Pod(placement.name(), open(namespaces, placement.netns())));
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

  /** Name of such a pod. */
  Optional<NamespacedName> nameOf(long cookie) {
    return Optional.ofNullable(released.get(cookie)).map(Pod::name);
  }

  /**
   * No new connection goes there. The route stays for those that are open, until this is called
   * again; an earlier daemon's goes at once, if its namespace still exists.
   */
  void release(long cookie) {
    Pod pod = pods.remove(cookie);
    if (pod != null) {
      released.put(cookie, pod);
      return;
    }
    Pod left = released.remove(cookie);
    if (left == null) {
      gather(cookie);
      return;
    }
    synchronized (left) {
      remove(left.route, left.name.toString());
    }
  }

  /** Takes the route of an earlier daemon's pod away, if its namespace still exists. */
  void gather(long cookie) {
    Optional<NetnsHandle> found = everywhere.withCookie(cookie);
    if (found.isPresent()) {
      try (NetnsHandle netns = found.get()) {
        gather(namespaces, netns);
      }
    }
  }

  /** Takes away the route in that namespace; does nothing where there is none. */
  static void gather(NetworkNamespaces namespaces, NetnsHandle netns) {
    try {
      remove(open(namespaces, netns), "netns:" + netns.inode());
    } catch (LinuxException e) {
      warn("netns:" + netns.inode(), e);
    }
  }

  private static void remove(LocalRoute route, String pod) {
    try (route) {
      route.remove();
    } catch (LinuxException e) {
      warn(pod, e);
    }
  }

  private static void warn(String pod, LinuxException problem) {
    LOG.log(
        System.Logger.Level.WARNING,
        "loopback_range_not_removed pod={0} problem={1}",
        pod,
        problem.getMessage());
  }

  private static LocalRoute open(NetworkNamespaces namespaces, NetnsHandle netns) {
    return namespaces.callIn(
        netns,
        () ->
            LocalRoute.open(
                (Inet6Address) LoopbackRange.IPV6.network(), LoopbackRange.IPV6.prefixLength()));
  }

  private void forget(long cookie) {
    Pod pod = pods.remove(cookie);
    if (pod != null) {
      synchronized (pod) {
        pod.route.close();
      }
    }
  }

  /** The routes stay, but for those of released pods: what went on there went through us. */
  @Override
  public void close() {
    pods.keySet().forEach(this::forget);
    released.keySet().forEach(this::release);
  }
}
