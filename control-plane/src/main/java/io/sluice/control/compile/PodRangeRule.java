package io.sluice.control.compile;

/** Whether Pods have to have addresses of the ranges that the cluster gave their Node. */
public enum PodRangeRule {
  /** Once most Nodes show that addresses are given out by these ranges. */
  AUTO,
  /** Always. */
  ENFORCE,
  /** Never: an address plan of its own gives them out. */
  IGNORE
}
