package io.sluice.node.enrolment;

import io.sluice.interception.Interception;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.ProxyStats;
import io.sluice.proxy.accept.Proxy;
import java.util.Map;
import java.util.Set;

/**
 * Pods that have left while connections of theirs go on in the proxy: what the kernel needs for
 * these goes with the last of them. For one thread at a time.
 */
final class ReleasedPods {
  private static final System.Logger LOG = System.getLogger(ReleasedPods.class.getName());

  private final Interception interception;
  private final EnrolledPods enrolled;
  private final Proxy proxy;

  ReleasedPods(Interception interception, EnrolledPods enrolled, Proxy proxy) {
    this.interception = interception;
    this.enrolled = enrolled;
    this.proxy = proxy;
  }

  /** Looks at each of them; what fails is tried again with the next call. */
  void settle() {
    Set<Long> translating = interception.translating();
    if (translating.isEmpty()) {
      return;
    }
    Map<NamespacedName, ProxyStats.PodStats> pods = proxy.stats().pods();
    for (long cookie : translating) {
      try {
        if (isIdle(cookie, pods)) {
          interception.release(cookie);
        }
      } catch (RuntimeException e) {
        LOG.log(
            System.Logger.Level.WARNING,
            "released_pod_not_settled netns_cookie=" + Long.toUnsignedString(cookie),
            e);
      }
    }
  }

  /** Of a pod that is enrolled again elsewhere, nothing is left here. */
  private boolean isIdle(long cookie, Map<NamespacedName, ProxyStats.PodStats> pods) {
    return interception
        .nameOf(cookie)
        .filter(name -> enrolled.find(name).isEmpty())
        .map(pods::get)
        .filter(left -> left.live() > 0)
        .isEmpty();
  }
}
