package io.sluice.node.enrolment;

import io.sluice.interception.Interception;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.ProxyStats;
import io.sluice.proxy.accept.Proxy;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Pods that have left while connections of theirs go on in the proxy: what the kernel needs for
 * these goes with the last of them. For one thread at a time.
 */
record ReleasedPods(Interception interception, EnrolledPods enrolled, Proxy proxy) {
  private static final System.Logger LOG = System.getLogger(ReleasedPods.class.getName());

  /**
   * Looks at each of them; what fails is tried again with the next call.
   *
   * @param between run before each: to take rules away takes a while, and a pod that starts is not
   *     to wait for all of them
   */
  void settle(Runnable between) {
    Set<Long> translating = interception.translating();
    if (translating.isEmpty()) {
      return;
    }
    Map<NamespacedName, ProxyStats.PodStats> pods = proxy.stats().pods();
    for (long cookie : translating) {
      between.run();
      try {
        if (hasLeft(cookie) && isIdle(cookie, pods)) {
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

  /** What runs between two may have enrolled it again. */
  private boolean hasLeft(long cookie) {
    return !enrolled.cookies().contains(cookie) && interception.translating().contains(cookie);
  }

  /** Whether {@link #settle} has nothing to do until another pod leaves. */
  boolean areSettled() {
    return interception.translating().isEmpty();
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

  /** The end of enrolment on a node that leaves its mesh for good. Any thread. */
  static final class GivingBack {
    private static final System.Logger LOG = System.getLogger(GivingBack.class.getName());

    /** Rules of a hundred pods take some seconds; the end of a process has to wait that long. */
    private static final Duration TIMEOUT = Duration.ofSeconds(15);

    private volatile boolean begun;

    /** Whether no pod is to be enrolled any more. */
    boolean hasBegun() {
      return begun;
    }

    /**
     * Leaves every pod alone, as one that leaves the mesh. Blocks; what is not released after 15 s
     * stays refused.
     *
     * @param call has the enrolment thread do something
     */
    void run(Function<Callable<Void>, CompletableFuture<Void>> call, EnrolledPods pods) {
      begun = true;
      call.apply(
              () -> {
                pods.releaseOthers(Set.of());
                return null;
              })
          .orTimeout(TIMEOUT.toSeconds(), TimeUnit.SECONDS)
          .exceptionally(failure -> {
            LOG.log(System.Logger.Level.WARNING, "pods_not_given_back", failure);
            return null;
          })
          .join();
    }
  }
}
