package io.sluice.node.cni;

/** Whether pods start in the place of others while no controller tells of them. */
public enum ReplacementMode {
  /** Where the last snapshot knows no pod of another node. */
  AUTO,
  /** Always: for nodes on which a workload's pods are alike. */
  ALWAYS,
  /** Such a pod waits for the controller. */
  NEVER
}
