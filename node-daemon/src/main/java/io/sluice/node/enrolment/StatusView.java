package io.sluice.node.enrolment;

import io.sluice.interception.PodPlacement;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** What is told of the pods of a node, from what enrolment knows. For the enrolment thread. */
final class StatusView {
  private final String nodeName;
  private final Function<NamespacedName, Optional<PodPlacement>> enrolled;
  private final EarlierConnections earlier;
  private final Verification verification;
  private final Map<NamespacedName, String> problems;
  private final Set<NamespacedName> refusedPending;

  /**
   * Looks at what it is given, which goes on changing.
   *
   * @param problems of pods that are wanted
   * @param refusedPending those of them that are refused while they cannot be enrolled
   */
  StatusView(
      String nodeName,
      Function<NamespacedName, Optional<PodPlacement>> enrolled,
      EarlierConnections earlier,
      Verification verification,
      Map<NamespacedName, String> problems,
      Set<NamespacedName> refusedPending) {
    this.nodeName = nodeName;
    this.enrolled = enrolled;
    this.earlier = earlier;
    this.verification = verification;
    this.problems = problems;
    this.refusedPending = refusedPending;
  }

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
}
