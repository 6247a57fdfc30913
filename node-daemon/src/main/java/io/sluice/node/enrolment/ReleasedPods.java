package io.sluice.node.enrolment;

import io.sluice.interception.Interception;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.ProxyStats;
import io.sluice.proxy.accept.Proxy;
import java.time.Duration;
import java.util.HashMap;
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
final class ReleasedPods {
  private static final System.Logger LOG = System.getLogger(ReleasedPods.class.getName());

  /** A namespace ends within some milliseconds of the pod's network. */
  private static final Duration WHILE = Duration.ofSeconds(1);

  private final Interception interception;
  private final EnrolledPods enrolled;
  private final Proxy proxy;
  private final Map<Long, Long> seenNanos = new HashMap<>(); // for the first time

  ReleasedPods(Interception interception, EnrolledPods enrolled, Proxy proxy) {
    this.interception = interception;
    this.enrolled = enrolled;
    this.proxy = proxy;
  }

  /**
   * Looks at each of them that left a while ago: a container runtime is about to end the namespace
   * of one that has only just left, with whatever is in it, while to take rules away costs pods
   * that start meanwhile a quarter of a second. What fails is tried again with the next call.
   */
  void settle() {
    Set<Long> translating = interception.translating();
    long now = System.nanoTime();
    seenNanos.keySet().retainAll(translating);
    translating.forEach(cookie -> seenNanos.putIfAbsent(cookie, now));
    if (translating.isEmpty()) {
      return;
    }
    Map<NamespacedName, ProxyStats.PodStats> pods = proxy.stats().pods();
    Set<Long> inForce = enrolled.cookies();
    for (long cookie : translating) {
      try {
        if (!inForce.contains(cookie) && hasWaited(cookie, now) && isIdle(cookie, pods)) {
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

  private boolean hasWaited(long cookie, long now) {
    return now - seenNanos.getOrDefault(cookie, now) >= WHILE.toNanos();
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
