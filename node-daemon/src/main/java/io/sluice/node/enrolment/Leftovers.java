package io.sluice.node.enrolment;

import io.sluice.interception.ClosedPods;
import io.sluice.interception.Interception;
import io.sluice.interception.InterceptionException;
import io.sluice.iptables.RedirectionException;
import io.sluice.linux.LinuxException;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.placement.SandboxRecords;
import java.io.UncheckedIOException;
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
  private final ClosedPods closed;
  private final SandboxRecords sandboxes;
  private Set<Long> before = Set.of();
  private boolean hasTold;
  private boolean isDone;

  Leftovers(
      Interception interception,
      EnrolledPods enrolled,
      ClosedPods closed,
      SandboxRecords sandboxes) {
    this.interception = interception;
    this.enrolled = enrolled;
    this.closed = closed;
    this.sandboxes = sandboxes;
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
   * Releases what an earlier daemon left of pods that the registry no longer wants. To be called
   * only with a registry that could be read as a whole: a broken file must not open anything. For
   * the same reason a pod that is wanted and cannot be enrolled yet keeps what the earlier daemon
   * left in force, and a sandbox that was replaced does until the runtime ends it.
   */
  void release(Set<NamespacedName> wanted) {
    openUnwanted(wanted);
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
      boolean isReplaced = sandboxes.holds(cookie) && name.filter(wanted::contains).isPresent();
      if (isReplaced) {
        continue; // its end has its own sweep
      }
      if (isAwaited(name, wanted) || !release(cookie)) {
        awaited++;
      } else {
        released++;
      }
    }
    isDone = awaited == 0;
    if (released > 0 || isDone) {
      LOG.log(System.Logger.Level.INFO, "start_released pods={0}", released);
    }
  }

  /** Whether {@link #release} has nothing to do until another pod is refused as a whole. */
  boolean areSettled() {
    return isDone && closed.cookies().isEmpty();
  }

  private boolean isAwaited(Optional<NamespacedName> name, Set<NamespacedName> wanted) {
    return name.filter(wanted::contains).filter(pod -> enrolled.find(pod).isEmpty()).isPresent();
  }

  private boolean release(long cookie) {
    try {
      interception.release(cookie);
      LOG.log(
          System.Logger.Level.INFO,
          "leftover_released netns_cookie={0}",
          Long.toUnsignedString(cookie));
      return true;
    } catch (LinuxException | UncheckedIOException | InterceptionException e) {
      LOG.log(System.Logger.Level.WARNING, "leftover_not_released netns_cookie=" + cookie, e);
      return false;
    }
  }

  /** Takes away the barriers of pods that are not wanted any more. */
  private void openUnwanted(Set<NamespacedName> wanted) {
    Set<Long> cookies = enrolled.cookies();
    for (long cookie : closed.cookies()) {
      if (!isAwaited(closed.nameOf(cookie), wanted) && !cookies.contains(cookie)) {
        try {
          closed.openLeftover(cookie);
        } catch (LinuxException | UncheckedIOException | RedirectionException e) {
          LOG.log(System.Logger.Level.WARNING, "pod_not_opened netns_cookie=" + cookie, e);
        }
      }
    }
  }
}
