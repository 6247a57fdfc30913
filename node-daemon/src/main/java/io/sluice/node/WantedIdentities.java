package io.sluice.node;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.enrolment.PodState;
import io.sluice.node.identity.NodeIdentities;
import java.util.Set;
import java.util.stream.Collectors;

/** Which identities this node needs: those of enrolled pods that the registry places on it. */
final class WantedIdentities {
  private final String nodeName;
  private final NodeIdentities identities;
  private final Enrolment pods;

  WantedIdentities(String nodeName, NodeIdentities identities, Enrolment pods) {
    this.nodeName = nodeName;
    this.identities = identities;
    this.pods = pods;
  }

  /** Asks for what {@code snapshot} calls for; a pod that is not released keeps its identity. */
  void publish(MeshSnapshot snapshot) {
    Set<SpiffeId> wanted =
        snapshot.workloads().stream()
            .filter(workload -> workload.enrolled() && isHere(workload))
            .map(Workload::identity)
            .collect(Collectors.toSet());
    identities.want(wanted, this::isUsed);
  }

  /** As enrolment sees it, but before the pod's processes are there to be found. */
  private boolean isHere(Workload workload) {
    return workload
        .nodeName()
        .map(nodeName::equals)
        .orElse(workload.netns().isPresent() || workload.uid().isPresent());
  }

  private boolean isUsed(SpiffeId identity) {
    String text = identity.toString();
    return pods.statuses().stream()
        .anyMatch(pod -> pod.state() == PodState.ENROLLED && pod.identity().equals(text));
  }
}
