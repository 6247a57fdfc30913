package io.sluice.node.enrolment;

import io.sluice.mesh.NamespacedName;

/** A pod that was found in a network namespace that is another pod's. */
final class NamespaceConflictException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NamespaceConflictException(NamespacedName claimant, NamespacedName holder) {
    super(
        "pod "
            + claimant
            + " was found in the network namespace of "
            + holder
            + ", which keeps it; give each Pod its own metadata.uid, or its own sluice.io/netns");
  }
}
