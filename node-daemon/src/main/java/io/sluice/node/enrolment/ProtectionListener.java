package io.sluice.node.enrolment;

import io.sluice.mesh.NamespacedName;

/** Hears when a pod is refused as a whole because it cannot be intercepted. Enrolment thread. */
@FunctionalInterface
public interface ProtectionListener {
  /** Everything of the pod is refused from now on. */
  void closed(NamespacedName pod, String problem);
}
