package io.sluice.node.enrolment;

import io.sluice.mesh.NamespacedName;
import io.sluice.node.interception.Interception;
import java.util.Optional;
import java.util.Set;

/**
 * What an earlier daemon left in force, and what became of it at the start: adopted with the pod
 * that is wanted still, or released. For one thread at a time.
 */
final class Leftovers {
  private static final System.Logger LOG = System.getLogger(Leftovers.class.getName());

  private final Interception interception;
  private final EnrolledPods enrolled;
  private Set<Long> before = Set.of();
  private boolean hasTold;
  private boolean isDone;

  Leftovers(Interception interception, EnrolledPods enrolled) {
    this.interception = interception;
    this.enrolled = enrolled;
  }

  /** To be called before the first pod is enrolled. */
  void noteBeforeStart() {
    before = Set.copyOf(interception.leftBehind());
  }

  /** Says, once, what the first pass over the pods has done. */
  void tellOfStart() {
    if (hasTold) {
      return;
    }
    hasTold = true;
    Set<Long> cookies = enrolled.cookies();
    long adopted = cookies.stream().filter(before::contains).count();
    LOG.log(System.Logger.Level.INFO, "start_enrolled pods={0}", cookies.size() - adopted);
    LOG.log(System.Logger.Level.INFO, "start_adopted pods={0}", adopted);
  }

  /**
   * Releases pods of an earlier daemon that the registry no longer wants. To be called only with a
   * registry that could be read as a whole: a broken file must not open anything. For the same
   * reason a pod that is wanted and cannot be enrolled yet keeps what the earlier daemon left in
   * force.
   */
  void release(Set<NamespacedName> wanted) {
    if (isDone) {
      return;
    }
    Set<Long> cookies = enrolled.cookies();
    int released = 0;
    int awaited = 0;
    for (long cookie : interception.leftBehind()) {
      if (cookies.contains(cookie)) {
        continue;
      }
      Optional<NamespacedName> name = interception.nameOf(cookie);
      boolean isAwaited =
          name.filter(wanted::contains).filter(pod -> enrolled.find(pod).isEmpty()).isPresent();
      if (isAwaited) {
        awaited++;
      } else {
        interception.release(cookie);
        released++;
        LOG.log(System.Logger.Level.INFO, "leftover_released netns_cookie={0}", cookie);
      }
    }
    isDone = awaited == 0;
    if (released > 0 || isDone) {
      LOG.log(System.Logger.Level.INFO, "start_released pods={0}", released);
    }
  }
}
