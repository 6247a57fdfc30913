package io.sluice.node.cni;

import java.util.Locale;

/** How a call of the CNI client ended. */
public enum CallResult {
  /** As it asked. */
  OK,
  /** With an error document that says why not; the runtime tries again. */
  REFUSED,
  /** Without a decision: by a fault of the daemon, or the client had left. */
  FAILED;

  /** As metrics name it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
