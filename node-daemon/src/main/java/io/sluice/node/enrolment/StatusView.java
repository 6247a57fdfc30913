package io.sluice.node.enrolment;

import io.sluice.interception.PodPlacement;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import io.sluice.node.enrolment.PodStatus.PodState;
import io.sluice.node.enrolment.PodStatus.Protection;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * What is told of the pods of a node, from what enrolment knows. For the enrolment thread.
 *
 * <p>Looks at what it is given, which goes on changing.
 *
 * @param problems of pods that are wanted
 * @param refusedPending those of them that are refused while they cannot be enrolled
 */
record StatusView(
    String nodeName,
    Function<NamespacedName, Optional<PodPlacement>> enrolled,
    EarlierConnections earlier,
    Verification verification,
    Map<NamespacedName, String> problems,
    Set<NamespacedName> refusedPending) {
  /** Every pod of the snapshot that belongs to this node. */
  Map<NamespacedName, PodStatus> of(MeshSnapshot snapshot) {
    Map<NamespacedName, PodStatus> next = new HashMap<>();
    for (Workload workload : snapshot.workloadsOn(nodeName)) {
      next.put(workload.name(), status(workload));
    }
    return Map.copyOf(next);
  }

  private PodStatus status(Workload workload) {
    Optional<PodPlacement> pod = enrolled.apply(workload.name());
    PodState state =
        pod.isPresent()
            ? PodState.ENROLLED
            : problems.containsKey(workload.name()) ? PodState.PENDING : PodState.OUTSIDE;
    return new PodStatus(
        workload.name(),
        state,
        pod.map(PodPlacement::cookie).orElse(0L),
        workload.addresses(),
        workload.identity().toString(),
        protection(workload.name(), pod, state),
        problems.getOrDefault(workload.name(), pod.map(PodPlacement::leftOut).orElse("")),
        earlier.open(workload.name()));
  }

  private Protection protection(NamespacedName name, Optional<PodPlacement> pod, PodState state) {
    return switch (state) {
      case OUTSIDE -> Protection.OUTSIDE;
      case PENDING -> refusedPending.contains(name) ? Protection.REFUSED : Protection.NOT_PROTECTED;
      case ENROLLED -> {
        if (pod.map(PodPlacement::cookie).filter(verification::isClosed).isPresent()) {
          yield Protection.REFUSED;
        }
        yield verification.isBroken(name) ? Protection.NOT_PROTECTED : Protection.PROTECTED;
      }
    };
  }

  /**
   * What keeps pods from being enrolled, as of one sweep, and whether it is news. Confined to the
   * enrolment thread, but for the map.
   */
  static final class PodProblems {
    /**
     * A pod is known here before its kubelet has made a sandbox for it, and that may take as long
     * as an address plan or a busy runtime does. Longer is worth a line.
     */
    private static final Duration SANDBOX_DUE = Duration.ofSeconds(30);

    private static final Set<Errno> ABSENT = Set.of(Errno.ENOENT, Errno.EAGAIN);

    private final LongSupplier nanoClock;
    private final Map<NamespacedName, String> current = new HashMap<>();
    private final Map<NamespacedName, Long> absentSince = new HashMap<>();
    private final Map<NamespacedName, String> told = new HashMap<>();

    PodProblems(LongSupplier nanoClock) {
      this.nanoClock = nanoClock;
    }

    /** Those of this sweep, by pod; a view. */
    Map<NamespacedName, String> current() {
      return current;
    }

    /** A new sweep finds its own; returns the pods that had one in the sweep before. */
    Set<NamespacedName> begin() {
      Set<NamespacedName> before = Set.copyOf(current.keySet());
      absentSince.keySet().retainAll(before);
      told.keySet().retainAll(before);
      current.clear();
      return before;
    }

    /**
     * Notes one.
     *
     * @param isExpected whether a kubelet makes the pod's namespace, so that it may not be there
     *     yet
     * @return whether it has not been told yet, and is to be
     */
    boolean note(NamespacedName name, Throwable cause, boolean isExpected) {
      String problem = String.valueOf(cause.getMessage());
      current.put(name, problem);
      boolean isAbsent =
          isExpected && cause instanceof LinuxException linux && ABSENT.contains(linux.errno());
      if (!isAbsent) {
        absentSince.remove(name);
        return !problem.equals(told.put(name, problem));
      }
      long since = absentSince.computeIfAbsent(name, _ -> nanoClock.getAsLong());
      return nanoClock.getAsLong() - since >= SANDBOX_DUE.toNanos()
          && told.put(name, problem) == null;
    }
  }
}
