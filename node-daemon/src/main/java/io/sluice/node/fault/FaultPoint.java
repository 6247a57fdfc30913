package io.sluice.node.fault;

import java.util.Locale;

/**
 * Between these points of a CNI call the daemon may die; whatever was done by then, the repeated
 * call must end in the same state. The system property {@code sluice.halt-at} names the one at
 * which the process ends as if it were killed; without it nothing happens.
 */
public enum FaultPoint {
  /** The request was read. */
  CALL_RECEIVED,
  /** The sandbox is noted, nothing is done yet. */
  SANDBOX_RECORDED,
  /** The pod's listeners accept. */
  POD_PREPARED,
  /** The pod is in force. */
  POD_ACTIVE,
  /** The caller knows that the pod is in force, the answer is not sent yet. */
  SANDBOX_ATTACHED,
  /** A sandbox that goes is noted as leaving, its pod still in force. */
  SANDBOX_FORGOTTEN,
  /** The pod of a sandbox that goes is released. */
  POD_RELEASED,
  /** The answer is ready. */
  CALL_ANSWERED;

  private static final String PROPERTY = "sluice.halt-at";

  /** What the kernel reports of a process that SIGKILL ended: 128 + 9. */
  private static final int KILLED = 137;

  private static final String HALT_AT = System.getProperty(PROPERTY, "");

  /** Ends the process if this is the point named. */
  public void reached() {
    if (!HALT_AT.isEmpty() && HALT_AT.equals(name().toLowerCase(Locale.ROOT))) {
      Runtime.getRuntime().halt(KILLED);
    }
  }
}
