package io.sluice.interception;

import io.sluice.iptables.ClientAddresses;
import io.sluice.iptables.RedirectionException;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The pods with rules whose applications see the true client. Where the kernel cannot, they see the
 * pod itself: that is told in the log, once for each pod. {@link #isPossible} may be asked by any
 * thread, the rest by one at a time, on platform threads.
 */
final class PresentedClients {
  private static final System.Logger LOG = System.getLogger(PresentedClients.class.getName());

  private final NetworkNamespaces namespaces;
  private final Set<Long> possible = ConcurrentHashMap.newKeySet();
  private final Set<Long> refused = new HashSet<>();

  PresentedClients(NetworkNamespaces namespaces) {
    this.namespaces = namespaces;
  }

  /** Whether the proxy may connect to that pod's application from addresses of others. */
  boolean isPossible(long cookie) {
    return possible.contains(cookie);
  }

  /** An earlier daemon made it possible, and nobody has changed the pod's rules since. */
  void found(long cookie) {
    possible.add(cookie);
  }

  /** Makes it possible for a pod that is about to be in force, or renews it. */
  void raise(PodPlacement pod) {
    try {
      ClientAddresses.raise(namespaces, pod.netns(), families(pod));
      possible.add(pod.cookie());
    } catch (RedirectionException | LinuxException e) {
      possible.remove(pod.cookie());
      if (refused.add(pod.cookie())) {
        LOG.log(
            System.Logger.Level.WARNING,
            "true_client_not_shown pod={0} problem={1}",
            pod.name(),
            e.getMessage());
      }
    }
  }

  /** For which families {@link #raise} makes it possible. */
  static Set<Family> families(PodPlacement pod) {
    return pod.network().ipv6() ? Set.of(Family.values()) : Set.of(Family.IPV4);
  }

  /**
   * Takes it away from a pod whose connections are no longer translated, so that none rests on it.
   */
  void lower(long cookie, NetnsHandle netns) {
    refused.remove(cookie);
    possible.remove(cookie);
    ClientAddresses.lower(namespaces, netns);
  }
}
