package io.sluice.node.enrolment;

import io.sluice.mesh.NamespacedName;

/** Hears when a pod is refused as a whole, or its place in the mesh is. Enrolment thread. */
public interface ProtectionListener {
  /** Everything of the pod is refused from now on. */
  void closed(NamespacedName pod, String problem);

  /** The network namespace where the pod was found is another pod's, which keeps it. */
  void namespaceConflict(NamespacedName claimant);
}
