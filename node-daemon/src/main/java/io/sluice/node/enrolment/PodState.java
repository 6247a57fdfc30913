package io.sluice.node.enrolment;

import java.util.Locale;

/** Where a pod of the registry stands on this node. */
public enum PodState {
  /** Its traffic is intercepted. */
  ENROLLED,
  /** It should be enrolled and cannot be yet; the problem says why. */
  PENDING,
  /** It was told not to be in the mesh, or never was. */
  OUTSIDE;

  /** As printed. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
