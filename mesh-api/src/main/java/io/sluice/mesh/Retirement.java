package io.sluice.mesh;

/**
 * How far a mesh is on its way to be taken away, so that its pods go on calling each other while
 * one node after another is given back. Every node has to have one step before any has the next.
 */
public enum Retirement {
  /** The mesh stays. */
  NONE,

  /**
   * Plaintext is taken where policy lets the workload reach the destination whose address it comes
   * from: what a pod sends that has left already. Everything else is refused as ever.
   */
  ANNOUNCED,

  /**
   * Workloads are called in plaintext too, since none may be intercepted any more; a daemon that
   * ends leaves its pods alone instead of closing them.
   */
  CLEAR
}
