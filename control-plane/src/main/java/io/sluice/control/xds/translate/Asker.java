package io.sluice.control.xds.translate;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.Workload;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Who asks.
 *
 * @param identity what the client's certificate proves: a workload's, or a node's
 * @param certificateProvider where the client keeps certificate and roots, by a name of its own;
 *     empty where it says of none, and then it is told of no TLS
 */
public record Asker(SpiffeId identity, String certificateProvider) {
  /** Whose calls it makes: its own, or those of the enrolled pods on the node. */
  Set<SpiffeId> callers(MeshSnapshot snapshot) {
    Optional<String> node = SystemIdentity.nodeName(identity);
    if (node.isEmpty()) {
      return Set.of(identity);
    }
    return snapshot.workloads().stream()
        .filter(pod -> pod.enrolled() && pod.nodeName().equals(node))
        .map(Workload::identity)
        .collect(Collectors.toUnmodifiableSet());
  }

  /** The namespace in which a name without one is looked up; empty where there is no such. */
  Optional<String> namespace() {
    return SystemIdentity.isSystem(identity) ? Optional.empty() : Optional.of(identity.namespace());
  }
}
