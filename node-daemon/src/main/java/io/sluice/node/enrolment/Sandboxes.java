package io.sluice.node.enrolment;

import io.sluice.interception.ClosedPods;
import io.sluice.interception.Interception;
import io.sluice.interception.InterceptionException;
import io.sluice.interception.PodPlacement;
import io.sluice.iptables.RedirectionException;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Workload;
import io.sluice.node.enrolment.EnrolledPods.Change;
import io.sluice.node.placement.PodNamespaces;
import io.sluice.node.placement.PodNamespaces.FoundNamespace;
import io.sluice.node.placement.Sandbox;
import io.sluice.node.placement.SandboxRecords;
import io.sluice.proxy.ReleaseMode;
import java.io.UncheckedIOException;
import java.util.Optional;

/**
 * The sandboxes that the runtime tells of, one step at a time, and what became of those whose end
 * it could not tell. For one thread at a time.
 */
final class Sandboxes {
  private static final System.Logger LOG = System.getLogger(Sandboxes.class.getName());

  private final Interception interception;
  private final EnrolledPods enrolled;
  private final PodNamespaces places;
  private final SandboxRecords records;
  private final ClosedPods closed;

  Sandboxes(
      Interception interception, EnrolledPods enrolled, PodNamespaces places, ClosedPods closed) {
    this.interception = interception;
    this.enrolled = enrolled;
    this.places = places;
    this.records = places.sandboxes();
    this.closed = closed;
  }

  /**
   * Puts it in force.
   *
   * @param netns the callee's
   * @param workload of this node, if the registry places it here
   * @throws InterceptionException when it is not in force afterwards
   */
  void attach(
      Sandbox sandbox, NetnsHandle netns, Optional<Workload> workload, MeshSnapshot current) {
    try {
      requireNewest(sandbox);
      if (workload.isEmpty()) {
        throw new InterceptionException(
            "the registry does not place pod " + sandbox.pod() + " on this node",
            "start the daemon with the node's name in the registry: --node-name");
      }
    } catch (InterceptionException e) {
      netns.close();
      throw e;
    }
    enrolled.attach(
        workload.get(), new FoundNamespace(sandbox.netns(), netns, sandbox.addresses()), current);
  }

  private void requireNewest(Sandbox sandbox) {
    Optional<Sandbox> newest = records.of(sandbox.pod());
    if (newest.map(Sandbox::containerId).filter(sandbox.containerId()::equals).isEmpty()) {
      throw new InterceptionException(
          "sandbox %s of pod %s was %s"
              .formatted(
                  sandbox.containerId(),
                  sandbox.pod(),
                  newest.map(newer -> "replaced by " + newer.containerId()).orElse("ended")),
          "the runtime ends it");
    }
  }

  /** Looks at the pod's interfaces and addresses anew, if this sandbox is in force. */
  void refresh(Sandbox sandbox, Optional<Workload> workload, MeshSnapshot current) {
    if (isInForce(sandbox)) {
      workload.ifPresent(present -> enrolled.bring(present, current, Change.NETWORK));
    }
  }

  /** What is wrong with it. */
  Optional<String> problem(Sandbox sandbox) {
    return inForce(sandbox)
        .map(pod -> interception.nodeProblem().or(() -> interception.problem(pod)))
        .orElse(Optional.of("it is not enrolled"));
  }

  /** Takes everything of it away and forgets it, in force or not, gone or not. */
  void detach(Sandbox sandbox) {
    long cookie = sandbox.cookie();
    if (isInForce(sandbox)) {
      enrolled.release(sandbox.pod(), ReleaseMode.RESET_ESTABLISHED);
    } else if (interception.leftBehind().contains(cookie)) {
      interception.release(cookie);
    }
    if (closed.isNoted(cookie)) {
      closed.openLeftover(cookie);
    }
    records.remove(sandbox.containerId());
  }

  private boolean isInForce(Sandbox sandbox) {
    return inForce(sandbox).isPresent();
  }

  private Optional<PodPlacement> inForce(Sandbox sandbox) {
    return enrolled.find(sandbox.pod()).filter(pod -> pod.cookie() == sandbox.cookie());
  }

  /**
   * Ends what a daemon that died, or a runtime that asked nobody, left unfinished.
   *
   * @param between run before each step, since those may take a while
   */
  void sweep(Runnable between) {
    for (Sandbox sandbox : records.leaving()) {
      between.run();
      tryToDetach(sandbox);
    }
    for (Sandbox sandbox : records.all()) {
      between.run();
      if (!isInForce(sandbox) && hasGone(sandbox)) {
        LOG.log(
            System.Logger.Level.INFO,
            "sandbox_gone pod={0} container={1}",
            sandbox.pod(),
            sandbox.containerId());
        tryToDetach(sandbox);
      }
    }
  }

  /** Whether {@link #sweep} has nothing to do until the runtime tells of another, or one goes. */
  boolean areSettled() {
    return records.leaving().isEmpty() && records.all().stream().allMatch(this::isInForce);
  }

  /** One that cannot be looked at must not keep the others from being brought. */
  private boolean hasGone(Sandbox sandbox) {
    try {
      return places.hasGone(sandbox);
    } catch (LinuxException | UncheckedIOException e) {
      LOG.log(System.Logger.Level.WARNING, "sandbox_not_looked_at pod=" + sandbox.pod(), e);
      return false;
    }
  }

  private void tryToDetach(Sandbox sandbox) {
    try {
      detach(sandbox);
    } catch (LinuxException
        | UncheckedIOException
        | InterceptionException
        | RedirectionException e) {
      LOG.log(System.Logger.Level.WARNING, "sandbox_not_detached pod=" + sandbox.pod(), e);
    }
  }
}
