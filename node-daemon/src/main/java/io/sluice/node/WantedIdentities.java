package io.sluice.node;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import io.sluice.node.enrolment.PodState;
import io.sluice.node.enrolment.PodStatus;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Which identities this node needs: those of enrolled pods that the registry places on it. */
final class WantedIdentities {
  private final String nodeName;
  private final BiConsumer<Set<SpiffeId>, Predicate<SpiffeId>> want;
  private final Supplier<List<PodStatus>> pods;

  /**
   * @param want takes the identities, and says of others whether they are used all the same
   * @param pods as enrolment sees them
   */
  WantedIdentities(
      String nodeName,
      BiConsumer<Set<SpiffeId>, Predicate<SpiffeId>> want,
      Supplier<List<PodStatus>> pods) {
    this.nodeName = nodeName;
    this.want = want;
    this.pods = pods;
  }

  /** Asks for what {@code snapshot} calls for; a pod that is not released keeps its identity. */
  void publish(MeshSnapshot snapshot) {
    Set<SpiffeId> wanted =
        snapshot.workloadsOn(nodeName).stream()
            .filter(workload -> workload.enrolled() && isHere(workload))
            .map(Workload::identity)
            .filter(identity -> !identity.isNobody())
            .collect(Collectors.toSet());
    want.accept(wanted, this::isUsed);
  }

  /** As enrolment sees it, but before the pod's processes are there to be found. */
  private boolean isHere(Workload workload) {
    return workload
        .nodeName()
        .map(nodeName::equals)
        .orElse(workload.netns().isPresent() || workload.uid().isPresent());
  }

  private boolean isUsed(SpiffeId identity) {
    return pods.get().stream()
        .anyMatch(
            pod -> pod.state() == PodState.ENROLLED && identity.isOfAccountIn(pod.identity()));
  }
}
