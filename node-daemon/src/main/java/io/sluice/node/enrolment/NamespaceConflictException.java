package io.sluice.node.enrolment;

import io.sluice.mesh.NamespacedName;

/** A pod that was found in a network namespace that is, or may be, another pod's. */
final class NamespaceConflictException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private static final String ADVICE =
      "; give each Pod its own metadata.uid, or its own sluice.io/netns";

  private NamespaceConflictException(String problem) {
    super(problem + ADVICE);
  }

  /** The namespace is the holder's already. */
  static NamespaceConflictException held(NamespacedName claimant, NamespacedName holder) {
    return new NamespaceConflictException(
        "pod %s was found in the network namespace of %s, which keeps it"
            .formatted(claimant, holder));
  }

  /** Nobody holds the namespace, and nothing says whose it is. */
  static NamespaceConflictException undecided(NamespacedName claimant, NamespacedName rival) {
    return new NamespaceConflictException(
        "pod %s was found in the same network namespace as %s, which nobody holds: none is enrolled"
            .formatted(claimant, rival));
  }
}
