package io.sluice.node.cni;

/**
 * Points of a call between which the daemon may die; whatever it has done by then, the repeated
 * call must end in the same state.
 */
public enum CniStep {
  /** The request was read. */
  RECEIVED,
  /** The sandbox is noted, nothing is done yet. */
  RECORDED,
  /** The pod's listeners accept. */
  PREPARED,
  /** The pod is in force, the answer is not sent yet. */
  ATTACHED,
  /** A sandbox that goes is no longer noted, its pod still in force. */
  FORGOTTEN,
  /** The answer is ready. */
  ANSWERED
}
